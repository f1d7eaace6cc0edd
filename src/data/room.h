/* room.h - memory for the threads of a batch that is kept until the next one, so that steady work allocates nothing. */
#ifndef FV_DATA_ROOM_H
#define FV_DATA_ROOM_H

#include <stdatomic.h>
#include <stddef.h>

/* At least `bytes`, 64-byte aligned, not zeroed: what is kept, or new memory where that is too small or in use elsewhere. NULL
 * when memory is short. */
void *fv_room_take(_Atomic(void *) *kept, size_t bytes);
/* Gives it back; NULL is fine. Free what is kept with fv_room_free. */
void fv_room_put(_Atomic(void *) *kept, void *room);
void fv_room_free(_Atomic(void *) *kept);

#endif
