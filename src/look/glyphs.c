/* glyphs.c - small letters of 5x7 dots, for labels in pictures. */
#include "glyphs.h"

#include <string.h>

/* Rows from the top, five dots each. */
static const struct glyph {
    char letter;
    const char *dots;
} glyphs[] = {{'0', ".###. #...# #..## #.#.# ##..# #...# .###."}, {'1', "..#.. .##.. ..#.. ..#.. ..#.. ..#.. .###."},
              {'2', ".###. #...# ....# ...#. ..#.. .#... #####"}, {'3', ".###. #...# ....# ..##. ....# #...# .###."},
              {'4', "...#. ..##. .#.#. #..#. ##### ...#. ...#."}, {'5', "##### #.... ####. ....# ....# #...# .###."},
              {'6', "..##. .#... #.... ####. #...# #...# .###."}, {'7', "##### ....# ...#. ..#.. ..#.. ..#.. ..#.."},
              {'8', ".###. #...# #...# .###. #...# #...# .###."}, {'9', ".###. #...# #...# .#### ....# ...#. .##.."},
              {'A', ".###. #...# #...# ##### #...# #...# #...#"}, {'B', "####. #...# #...# ####. #...# #...# ####."},
              {'C', ".###. #...# #.... #.... #.... #...# .###."}, {'D', "###.. #..#. #...# #...# #...# #..#. ###.."},
              {'E', "##### #.... #.... ####. #.... #.... #####"}, {'F', "##### #.... #.... ####. #.... #.... #...."},
              {'G', ".###. #...# #.... #.### #...# #...# .####"}, {'H', "#...# #...# #...# ##### #...# #...# #...#"},
              {'I', ".###. ..#.. ..#.. ..#.. ..#.. ..#.. .###."}, {'J', "..### ...#. ...#. ...#. ...#. #..#. .##.."},
              {'K', "#...# #..#. #.#.. ##... #.#.. #..#. #...#"}, {'L', "#.... #.... #.... #.... #.... #.... #####"},
              {'M', "#...# ##.## #.#.# #.#.# #...# #...# #...#"}, {'N', "#...# ##..# #.#.# #..## #...# #...# #...#"},
              {'O', ".###. #...# #...# #...# #...# #...# .###."}, {'P', "####. #...# #...# ####. #.... #.... #...."},
              {'Q', ".###. #...# #...# #...# #.#.# #..#. .##.#"}, {'R', "####. #...# #...# ####. #.#.. #..#. #...#"},
              {'S', ".#### #.... #.... .###. ....# ....# ####."}, {'T', "##### ..#.. ..#.. ..#.. ..#.. ..#.. ..#.."},
              {'U', "#...# #...# #...# #...# #...# #...# .###."}, {'V', "#...# #...# #...# #...# #...# .#.#. ..#.."},
              {'W', "#...# #...# #...# #.#.# #.#.# ##.## #...#"}, {'X', "#...# #...# .#.#. ..#.. .#.#. #...# #...#"},
              {'Y', "#...# #...# .#.#. ..#.. ..#.. ..#.. ..#.."}, {'Z', "##### ....# ...#. ..#.. .#... #.... #####"},
              {'.', "..... ..... ..... ..... ..... .##.. .##.."}, {',', "..... ..... ..... ..... .##.. ..#.. .#..."},
              {'-', "..... ..... ..... ##### ..... ..... ....."}, {'_', "..... ..... ..... ..... ..... ..... #####"},
              {':', "..... .##.. .##.. ..... .##.. .##.. ....."}, {'/', "....# ....# ...#. ..#.. .#... #.... #...."},
              {'(', "...#. ..#.. .#... .#... .#... ..#.. ...#."}, {')', ".#... ..#.. ...#. ...#. ...#. ..#.. .#..."},
              {'%', "##..# ##..# ...#. ..#.. .#... #..## #..##"}, {'+', "..... ..#.. ..#.. ##### ..#.. ..#.. ....."},
              {' ', "..... ..... ..... ..... ..... ..... ....."}};

static const char frame[] = "##### #...# #...# #...# #...# #...# #####";

static const char *dots_of(unsigned char letter) {
    if (letter >= 'a' && letter <= 'z') letter = (unsigned char)(letter - 'a' + 'A');
    for (size_t i = 0; i < sizeof glyphs / sizeof *glyphs; i++)
        if (glyphs[i].letter == (char)letter) return glyphs[i].dots;
    return frame;
}

static void fill(const fv_tensor *picture, int64_t y, int64_t x, int size, const unsigned char colour[3]) {
    int64_t height = picture->shape.dim[0], width = picture->shape.dim[1];
    for (int64_t r = y; r < y + size; r++)
        for (int64_t c = x; c < x + size; c++)
            if (r >= 0 && r < height && c >= 0 && c < width)
                memcpy((unsigned char *)picture->data + (r * width + c) * 3, colour, 3);
}

/* The bytes that continue a character of UTF-8 are no letters of their own. */
static bool continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

void fv_draw_label(const fv_tensor *picture, int64_t y, int64_t x, int size, const char *text,
                   const unsigned char colour[3]) {
    for (; *text; text++) {
        if (continues(*text)) continue;
        const char *dots = dots_of((unsigned char)*text);
        for (int row = 0; row < FV_GLYPH_HEIGHT; row++)
            for (int column = 0; column < FV_GLYPH_WIDTH - 1; column++)
                if (dots[row * FV_GLYPH_WIDTH + column] == '#')
                    fill(picture, y + (int64_t)row * size, x + (int64_t)column * size, size, colour);
        x += (int64_t)FV_GLYPH_WIDTH * size;
    }
}

int64_t fv_label_width(const char *text, int size) {
    int64_t letters = 0;
    for (; *text; text++) letters += !continues(*text);
    return letters ? (letters * FV_GLYPH_WIDTH - 1) * size : 0;
}
