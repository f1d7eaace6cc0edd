#include "fovea.h"

#define TEXT(x) #x
#define NUMBER(x) TEXT(x)

const char *fv_version(void) {
    return NUMBER(FV_VERSION_MAJOR) "." NUMBER(FV_VERSION_MINOR) "." NUMBER(FV_VERSION_PATCH);
}
