/* store.h - named tensors and named texts: what model files, checkpoints and arrays hold. Knows no nets. */
#ifndef FV_IO_STORE_H
#define FV_IO_STORE_H

#include "error.h"

typedef struct fv_store fv_store;

fv_store *fv_store_new(void);
void fv_store_free(fv_store *store);

int fv_store_count(const fv_store *store);
const char *fv_store_name(const fv_store *store, int index);
fv_tensor fv_store_tensor(const fv_store *store, int index); /* borrowed */
int fv_store_find(const fv_store *store, const char *name);  /* -1 if there is none */
/* Borrows the tensor's data until the store is saved or freed. A second tensor of a name is an error. */
fv_status fv_store_add(fv_store *store, const char *name, fv_tensor tensor, fv_error *error);

int fv_store_note_count(const fv_store *store);
const char *fv_store_note_key(const fv_store *store, int index);
const char *fv_store_note(const fv_store *store, const char *key); /* NULL if there is none */
fv_status fv_store_set_note(fv_store *store, const char *key, const char *value, fv_error *error);

/* A hash of all tensors and notes but the note `except` (may be NULL), whatever their order. */
uint64_t fv_store_hash(const fv_store *store, const char *except);

/* Memory that the store frees with itself (fv_free): where its tensors lie. On failure it stays the caller's. */
fv_status fv_store_keep(fv_store *store, void *memory, fv_error *error);

/* safetensors: 8 bytes little-endian header length, JSON header, data. Reading keeps the data in the store's memory;
 * everything the header claims is checked against the file's length before anything is allocated. f16 and bf16 become
 * f32. */
fv_store *fv_safetensors_read(const char *path, fv_error *error);
/* The same from memory, which must outlive the store; `name` is used in messages. */
fv_store *fv_safetensors_parse(const unsigned char *bytes, size_t size, const char *name, fv_error *error);
/* Written to a temporary file beside it, fsynced, renamed, folder fsynced: the old file stays whole if anything fails.
 */
fv_status fv_safetensors_write(const fv_store *store, const char *path, fv_error *error);
/* The same; the old file stays under the name `previous` (NULL: it goes). */
fv_status fv_safetensors_replace(const fv_store *store, const char *path, const char *previous, fv_error *error);

/* NPY 1.0, 2.0, 3.0 in C order (Fortran order is rearranged), either byte order, plain or gzip: one tensor, free its
 * data with fv_free. Types that we lack become the next wider one (f16 -> f32, u16 -> i32, u32 -> i64). */
fv_status fv_npy_read(const char *path, fv_tensor *out, fv_error *error);
fv_status fv_npy_parse(const unsigned char *bytes, size_t size, const char *name, fv_tensor *out, fv_error *error);
fv_status fv_npy_write(const char *path, const fv_tensor *tensor, fv_error *error);

#endif
