/* html.h - pieces of HTML. */
#ifndef FV_LOOK_HTML_H
#define FV_LOOK_HTML_H

#include "error.h"
#include "text.h"

/* Text as it may stand in an element or a quoted attribute: what HTML would take for its own is escaped, control characters
 * and bytes that are no UTF-8 become U+FFFD. */
void fv_html_text(fv_text *out, const char *text);
/* "data:image/png;base64,..." of a picture, (height, width, 1 or 3) bytes. */
fv_status fv_html_picture(fv_text *out, const fv_tensor *picture, fv_error *error);
/* 1234567 -> 1,234,567 */
void fv_html_count(fv_text *out, int64_t count);

#endif
