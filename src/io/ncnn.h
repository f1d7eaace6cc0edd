/* ncnn.h - weights as the ncnn project keeps them: a text of layers (.param) and their numbers one after the other (.bin). */
#ifndef FV_IO_NCNN_H
#define FV_IO_NCNN_H

#include "store.h"

/* Reads NAME.param and, beside it, NAME.bin. Every Convolution and InnerProduct becomes LAYER.weight, [out][in][kh][kw] and
 * [out][in], and LAYER.bias where it has one; all f32 (half floats are widened). Layers without numbers are passed over, others
 * refused by name. */
fv_store *fv_ncnn_read(const char *path, fv_error *error);
/* The same from memory; `text` ends in a zero byte, `name` is used in messages. */
fv_store *fv_ncnn_parse(const char *text, const unsigned char *bytes, size_t size, const char *name, fv_error *error);

#endif
