/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The Certificate message of a server, read without its certificates (RFC 5246, section 7.4.2; RFC
 * 8446, section 4.4.2). */

#include "config.h"

#include "daemon/transport/cpd-presented.h"

/* Returns: whether there was a number of so many bytes, and as many bytes as it says behind it */
static gboolean
read_vector (const guint8 **data, gsize *left, gsize size_bytes, const guint8 **vector, gsize *size)
{
  *size = 0;
  if (*left < size_bytes)
    return FALSE;
  for (gsize i = 0; i < size_bytes; i++)
    *size = *size << 8 | (*data)[i];
  if (*left - size_bytes < *size)
    return FALSE;
  *vector = *data + size_bytes;
  *data += size_bytes + *size;
  *left -= size_bytes + *size;
  return TRUE;
}

/* `presented`: of GBytes: gets the certificates of the message in place of what it has. It stays as
 * it is if the message has no list. */
void
cpd_presented_read (const guint8 *data, gsize size, gboolean is_1_3, GPtrArray *presented)
{
  const guint8 *list, *vector;
  gsize list_left, length;

  if ((is_1_3 && !read_vector (&data, &size, 1, &vector, &length))
      || !read_vector (&data, &size, 3, &list, &list_left))
    return;
  g_ptr_array_set_size (presented, 0);
  while (read_vector (&list, &list_left, 3, &vector, &length))
    {
      g_ptr_array_add (presented, g_bytes_new (vector, length));
      if (is_1_3 && !read_vector (&list, &list_left, 2, &vector, &length))
        break;
    }
}
