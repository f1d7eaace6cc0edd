/* digit_styles.c - the ways in which people write the ten digits, as pen strokes. */
#include "digits.h"

#define P(x, y)                                                                                                        \
    { x, y, FV_SMOOTH }
#define C(x, y)                                                                                                        \
    { x, y, FV_CORNER }
#define L(x, y)                                                                                                        \
    { x, y, FV_LIFT }
#define COUNT(...) (int)(sizeof((fv_digit_point[]){__VA_ARGS__}) / sizeof(fv_digit_point))
#define STYLE(digit, weight, ...)                                                                                      \
    {                                                                                                                  \
        digit, weight, COUNT(__VA_ARGS__), { __VA_ARGS__ }                                                             \
    }

const fv_digit_style fv_digit_styles[] = {
    /* 0: a closed oval from the top, one begun at the right, one left a little open */
    STYLE(0, 5, P(52, 0), P(24, 16), P(13, 50), P(25, 86), P(50, 100), P(76, 84), P(87, 48), P(74, 12), L(50, 1)),
    STYLE(0, 3, P(70, 8), P(42, 1), P(18, 28), P(16, 70), P(44, 100), P(76, 84), P(84, 42), P(70, 10), L(48, 6)),
    STYLE(0, 2, P(44, 4), P(20, 26), P(14, 62), P(36, 98), P(68, 90), P(86, 54), P(76, 16), L(56, 2)),
    /* 1: a plain stroke, with an upstroke, with upstroke and foot */
    STYLE(1, 6, P(52, 0), P(50, 50), L(49, 100)),
    STYLE(1, 4, P(28, 22), C(54, 0), P(53, 50), L(52, 100)),
    STYLE(1, 1, P(30, 24), C(54, 0), P(53, 50), L(52, 98), P(24, 99), L(80, 98)),
    /* 2: with a sharp foot, with a loop, with a swung foot */
    STYLE(2, 4, P(16, 22), P(32, 3), P(62, 1), P(80, 22), P(70, 50), P(42, 78), C(12, 99), L(90, 97)),
    STYLE(2, 3, P(18, 18), P(44, 0), P(74, 10), P(78, 36), P(56, 68), P(28, 94), P(10, 94), P(14, 78), P(38, 82),
          L(92, 98)),
    STYLE(2, 2, P(14, 26), P(30, 4), P(60, 2), P(76, 26), P(58, 62), C(16, 96), P(40, 88), P(66, 98), L(94, 90)),
    /* 3: two bows with a notch, flat at the top, with a small loop in the middle */
    STYLE(3, 5, P(16, 12), P(46, 0), P(76, 12), P(70, 36), C(42, 47), P(72, 54), P(84, 76), P(62, 97), P(30, 99),
          L(12, 86)),
    STYLE(3, 2, P(16, 3), C(80, 2), C(42, 42), P(74, 52), P(84, 76), P(58, 100), L(12, 90)),
    STYLE(3, 2, P(20, 8), P(52, 0), P(74, 18), P(60, 42), P(38, 50), P(44, 42), P(72, 54), P(82, 78), P(54, 100),
          L(14, 90)),
    /* 4: open in two strokes, round like a u, closed in two strokes, closed in one */
    STYLE(4, 4, P(24, 2), P(20, 28), C(14, 56), L(88, 54), P(72, 4), P(70, 50), L(66, 100)),
    STYLE(4, 3, P(20, 4), P(14, 36), P(28, 54), P(54, 52), P(74, 40), L(80, 2), P(80, 2), P(74, 50), L(66, 100)),
    STYLE(4, 2, P(62, 0), P(36, 34), C(8, 66), L(94, 66), P(64, 2), P(64, 50), L(62, 100)),
    STYLE(4, 2, P(92, 60), C(12, 64), P(40, 30), C(68, 0), P(66, 50), L(62, 100)),
    /* 5: with a hat put on, in one stroke from the hat, as a rounded s */
    STYLE(5, 4, P(26, 4), C(20, 44), P(46, 37), P(74, 48), P(82, 72), P(62, 96), P(32, 99), L(10, 86), P(26, 3),
          L(86, 1)),
    STYLE(5, 3, P(82, 2), C(32, 3), C(24, 44), P(52, 38), P(78, 54), P(78, 80), P(52, 100), L(12, 90)),
    STYLE(5, 2, P(82, 6), P(48, 2), P(26, 18), P(34, 40), P(66, 52), P(80, 74), P(58, 98), L(14, 92)),
    /* 6: a curved back, a straight one, a wide loop */
    STYLE(6, 4, P(72, 2), P(40, 18), P(18, 52), P(18, 84), P(44, 100), P(74, 90), P(78, 66), P(54, 54), P(28, 66),
          L(18, 82)),
    STYLE(6, 3, P(54, 0), P(32, 34), P(16, 70), P(32, 98), P(66, 96), P(76, 74), P(58, 56), P(34, 64), L(22, 80)),
    STYLE(6, 2, P(64, 0), P(26, 28), P(12, 66), P(34, 98), P(72, 96), P(88, 68), P(64, 48), L(18, 64)),
    /* 7: plain, with a bar, with a little hook at its beginning, with both */
    STYLE(7, 5, P(12, 6), C(86, 4), P(62, 46), L(42, 100)),
    STYLE(7, 3, P(12, 6), C(84, 4), P(60, 46), L(42, 100), P(28, 54), L(78, 48)),
    STYLE(7, 2, P(14, 20), C(14, 5), P(50, 8), C(86, 3), P(54, 52), L(46, 100)),
    STYLE(7, 1, P(12, 18), C(16, 5), C(86, 4), P(58, 50), L(44, 100), P(30, 52), L(76, 50)),
    /* 8: begun at the top right, begun at the top in the other direction, two circles */
    STYLE(8, 4, P(74, 12), P(48, 0), P(22, 14), P(32, 38), P(62, 54), P(80, 76), P(54, 100), P(22, 84), P(36, 56),
          P(66, 36), L(76, 12)),
    STYLE(8, 3, P(48, 1), P(24, 14), P(34, 40), P(66, 58), P(78, 82), P(48, 100), P(20, 82), P(34, 56), P(68, 36),
          P(76, 14), L(50, 0)),
    STYLE(8, 2, P(50, 0), P(27, 12), P(30, 38), P(50, 48), P(70, 36), P(72, 12), L(50, 0), P(50, 47), P(22, 62),
          P(24, 90), P(50, 100), P(78, 88), P(78, 62), L(50, 47)),
    /* 9: a straight stem, a bent tail, a stem that begins above the loop, a hooked tail */
    STYLE(9, 4, P(78, 14), P(52, 0), P(24, 16), P(24, 40), P(50, 48), P(74, 32), C(80, 10), P(78, 56), L(74, 100)),
    STYLE(9, 3, P(76, 22), P(54, 0), P(24, 12), P(20, 38), P(46, 50), P(72, 34), P(80, 14), P(76, 56), P(60, 90),
          L(28, 98)),
    STYLE(9, 2, P(74, 8), P(42, 2), P(20, 24), P(34, 48), L(72, 30), P(76, 2), P(70, 50), L(58, 100)),
    STYLE(9, 1, P(78, 18), P(54, 2), P(24, 18), P(30, 46), P(60, 44), C(80, 14), P(80, 62), P(66, 96), P(40, 98),
          L(26, 86)),
};

const int fv_digit_style_count = (int)(sizeof fv_digit_styles / sizeof fv_digit_styles[0]);
