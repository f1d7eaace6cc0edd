/* extreme.h - the largest or least of several values, cell by cell: what minimum and maximum share. */
#ifndef FV_OPS_EXTREME_H
#define FV_OPS_EXTREME_H

#include "cells.h"

fv_status fv_infer_extreme(fv_infer *infer);
void fv_emit_extreme(fv_emit *e, fv_binary kind);
void fv_emit_extreme_back(fv_emit *e);

#endif
