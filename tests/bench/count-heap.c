/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Counts what this program's heap holds, by standing in front of the C library's allocator. It is
 * for benchmarks alone, and does not go together with a sanitizer, which stands there itself. */

#include "count-heap.h"

#include <errno.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdlib.h>

extern void *__libc_malloc (size_t size);
extern void *__libc_calloc (size_t count, size_t size);
extern void *__libc_realloc (void *block, size_t size);
extern void *__libc_memalign (size_t alignment, size_t size);
extern void __libc_free (void *block);

static atomic_size_t held, peak;

/* Returns: what the heap holds, from where its peak is now counted */
size_t
count_heap_start (void)
{
  size_t now = atomic_load (&held);

  atomic_store (&peak, now);
  return now;
}

/* Returns: the bytes that it held at most above `start` since then */
size_t
count_heap_peak (size_t start)
{
  return atomic_load (&peak) - start;
}

static void *
count_in (void *block)
{
  size_t now = atomic_fetch_add (&held, malloc_usable_size (block)) + malloc_usable_size (block);
  size_t before = atomic_load (&peak);

  while (now > before && !atomic_compare_exchange_weak (&peak, &before, now))
    ;
  return block;
}

static void *
count_out (void *block)
{
  atomic_fetch_sub (&held, malloc_usable_size (block));
  return block;
}

void *
malloc (size_t size)
{
  return count_in (__libc_malloc (size));
}

void *
calloc (size_t count, size_t size)
{
  return count_in (__libc_calloc (count, size));
}

void *
realloc (void *block, size_t size)
{
  void *moved = __libc_realloc (count_out (block), size);

  if (moved == NULL && size > 0)
    count_in (block); /* which is still there */
  return count_in (moved);
}

void
free (void *block)
{
  __libc_free (count_out (block));
}

void *
memalign (size_t alignment, size_t size)
{
  return count_in (__libc_memalign (alignment, size));
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

  if (made == NULL)
    return ENOMEM;
  *block = made;
  return 0;
}
