/* digits.h - the built-in handwritten digits: how they are written (strokes) and how they are drawn. */
#ifndef FV_DATA_DIGITS_H
#define FV_DATA_DIGITS_H

#include <stdint.h>

enum { FV_DIGIT_SIDE = 28, FV_DIGIT_PIXELS = FV_DIGIT_SIDE * FV_DIGIT_SIDE, FV_DIGIT_POINTS = 40 };

/* A control point of a pen stroke: x to the right and y down, 0 to 100. The line runs smoothly through the points of a
 * stroke but turns sharply at corners. */
typedef enum fv_digit_turn { FV_SMOOTH, FV_CORNER, FV_LIFT } fv_digit_turn; /* FV_LIFT: the last point of a stroke */
typedef struct fv_digit_point {
    int8_t x, y, turn;
} fv_digit_point;

/* One way of writing a digit. */
typedef struct fv_digit_style {
    int digit;
    int weight; /* how often, relative to the other styles of the digit */
    int count;
    fv_digit_point points[FV_DIGIT_POINTS];
} fv_digit_style;

extern const fv_digit_style fv_digit_styles[]; /* in the order of the digits */
extern const int fv_digit_style_count;

/* Draws sample `index` of a part (0: train, 1: test) of the set of `seed`: 28x28 bytes, 0 paper, 255 ink. A pure
 * function of its arguments, and the same bits on every machine: it uses no function that a C library may round
 * differently. */
void fv_digit_draw(uint64_t seed, int part, int64_t index, int digit, unsigned char *out);

/* The digit of a sample. Of every ten consecutive samples each is another digit, in an order drawn for these ten. */
int fv_digit_class(uint64_t seed, int part, int64_t index);

#endif
