/* chart.h - curves over epochs as SVG. */
#ifndef FV_LOOK_CHART_H
#define FV_LOOK_CHART_H

#include <stdbool.h>

#include "text.h"

typedef struct fv_curve {
    const char *name;     /* "validation" */
    const char *kind;     /* CSS class of its line, points and name */
    const double *values; /* one each epoch; what is not finite leaves a gap */
} fv_curve;

enum { FV_MAX_CURVES = 4 };
typedef struct fv_chart {
    const char *title;
    fv_curve curve[FV_MAX_CURVES];
    int count, epochs;
    int marked;   /* epoch from 0 with a line across, -1: none */
    bool percent; /* values are parts of 1 */
    bool linear;  /* never a logarithmic axis */
} fv_chart;

/* An <svg> without colours of its own (chart.c lists its classes). Numbers that span more than a factor of 30 are drawn on a
 * logarithmic axis. */
void fv_chart_svg(fv_text *out, const fv_chart *chart);

#endif
