/* fovea_ops.h - made by scripts/ops_header.c from the operators; do not edit. */
