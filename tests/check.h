/* check.h - what every test includes: cmocka, and checks whose failures name the case, expected and got. */
#ifndef FV_TESTS_CHECK_H
#define FV_TESTS_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define check_near(name, got, expected, tolerance)                                                                     \
    do {                                                                                                               \
        double got_ = (got), expected_ = (expected);                                                                   \
        if (!(fabs(got_ - expected_) <= (tolerance)))                                                                  \
            fail_msg("%s: expected %.9g within %g, got %.9g", name, expected_, (double)(tolerance), got_);             \
    } while (0)

#endif
