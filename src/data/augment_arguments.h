/* augment_arguments.h - arguments that several augmentations have. */
#ifndef FV_DATA_AUGMENT_ARGUMENTS_H
#define FV_DATA_AUGMENT_ARGUMENTS_H

#include "augment.h"

#define FV_AUGMENT_BORDER                                                                                              \
    {                                                                                                                  \
        .name = "border", .help = "what comes in from outside", .standard = FV_BORDER_EDGE, .least = -1000,            \
        .most = 1000, .border = true                                                                                   \
    }
/* A factor between 1 - part and 1 + part. */
#define FV_AUGMENT_PART(usual, largest, what)                                                                          \
    { .name = "part", .help = what, .standard = usual, .most = largest }

#endif
