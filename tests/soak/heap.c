/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Preloaded into the service: counts the bytes and blocks of memory that are in use, where the
 * kernel knows only of pages. The counts are two 64-bit numbers in a file of each process, whose
 * name is the variable's, a dot and the process id. Stands on the names by which glibc lets its
 * allocator be called by those who stand in front of it. */

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define VARIABLE "CERTPIN_SOAK_HEAP"

typedef struct
{
  _Atomic int64_t bytes, blocks;
} Counts;

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t n, size_t size);
extern void *__libc_realloc (void *block, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);
extern void __libc_free (void *block);

static Counts early; /* until there is the file */
static Counts *counts = &early;

static void
add (int64_t bytes, int64_t blocks)
{
  atomic_fetch_add_explicit (&counts->bytes, bytes, memory_order_relaxed);
  atomic_fetch_add_explicit (&counts->blocks, blocks, memory_order_relaxed);
}

static void *
counted (void *block)
{
  if (block != NULL)
    add ((int64_t)malloc_usable_size (block), 1);
  return block;
}

__attribute__ ((constructor)) static void
open_file (void)
{
  const char *prefix = getenv (VARIABLE);
  char path[4096];
  void *shared;
  int fd;

  if (prefix == NULL)
    return;
  snprintf (path, sizeof path, "%s.%d", prefix, (int)getpid ());
  fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate (fd, sizeof *counts) < 0)
    abort ();
  shared = mmap (NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close (fd);
  if (shared == MAP_FAILED)
    abort ();
  counts = shared;
  add (early.bytes, early.blocks);
}

void *
malloc (size_t size)
{
  return counted (__libc_malloc (size));
}

void *
calloc (size_t n, size_t size)
{
  return counted (__libc_calloc (n, size));
}

void
free (void *block)
{
  if (block != NULL)
    add (-(int64_t)malloc_usable_size (block), -1);
  __libc_free (block);
}

void *
realloc (void *block, size_t size)
{
  int64_t before = block != NULL ? (int64_t)malloc_usable_size (block) : 0;
  void *moved = __libc_realloc (block, size);

  if (block != NULL && (moved != NULL || size == 0))
    add (-before, -1);
  return counted (moved);
}

void *
memalign (size_t alignment, size_t size)
{
  return counted (__libc_memalign (alignment, size));
}

void *
aligned_alloc (size_t alignment, size_t size)
{
  return memalign (alignment, size);
}

int
posix_memalign (void **block, size_t alignment, size_t size)
{
  void *made = memalign (alignment, size);

  if (made != NULL)
    *block = made;
  return made != NULL ? 0 : ENOMEM;
}
