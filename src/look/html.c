/* html.c - pieces of HTML. */
#include "html.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "picture.h"

/* Bytes of the UTF-8 character at s, 0 if there is none (overlong forms, surrogates and what is beyond U+10FFFF are none). */
static size_t character(const unsigned char *s) {
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    size_t n = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (size_t i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    bool bad = (s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
               (s[0] == 0xf4 && s[1] > 0x8f);
    return bad ? 0 : n;
}

void fv_html_text(fv_text *out, const char *text) {
    for (const char *s = text ? text : ""; *s;) {
        size_t n = *s == '\n' || *s == '\t' ? 1 : character((const unsigned char *)s);
        switch (*s) {
        case '&': fv_text_add(out, "&amp;"); break;
        case '<': fv_text_add(out, "&lt;"); break;
        case '>': fv_text_add(out, "&gt;"); break;
        case '"': fv_text_add(out, "&quot;"); break;
        case '\'': fv_text_add(out, "&#39;"); break;
        default:
            if (n)
                fv_text_add_n(out, s, n);
            else
                fv_text_add(out, "\xef\xbf\xbd");
        }
        s += n ? n : 1;
    }
}

static void add_base64(fv_text *out, const unsigned char *bytes, size_t size) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < size; i += 3) {
        uint32_t three = (uint32_t)bytes[i] << 16;
        if (i + 1 < size) three |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < size) three |= bytes[i + 2];
        const char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
                              i + 1 < size ? digits[three >> 6 & 63] : '=', i + 2 < size ? digits[three & 63] : '='};
        fv_text_add_n(out, four, 4);
    }
}

fv_status fv_html_picture(fv_text *out, const fv_tensor *picture, fv_error *error) {
    unsigned char *bytes;
    size_t size;
    fv_status status = fv_png_encode(picture, "a picture", &bytes, &size, error);
    if (status) return status;
    fv_text_add(out, "data:image/png;base64,");
    add_base64(out, bytes, size);
    fv_free(bytes);
    return FV_OK;
}

void fv_html_count(fv_text *out, int64_t count) {
    char digits[32];
    int length = snprintf(digits, sizeof digits, "%" PRId64, count);
    for (int i = 0; i < length; i++) {
        if (i && digits[i - 1] != '-' && (length - i) % 3 == 0) fv_text_add(out, ",");
        fv_text_add_n(out, &digits[i], 1);
    }
}
