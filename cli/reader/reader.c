/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads a file with certificates for certpinctl, which runs this program only when it must know
 * what is in one: a certpinctl that links GnuTLS takes twice as long to start.
 *
 * usage: certpin-reader [HOST] < FILE
 *
 * Standard output: a serialized `(saa{sv})`: the format, and of each certificate `der` ay; `fault`
 * s if it cannot be parsed, otherwise `subject` s, `issuer` s, `key` s, `not-before` x, `not-after`
 * x, `authority` b, `self-signed` b, `warnings` as (what the service would say of a pin of it for
 * HOST). The exit status is 4 if there is no certificate in the file; standard error then says
 * what is. */

#include "config.h"

#include "cli/reader/reader-describe.h"
#include "client-lib/certpin-error.h"

#include <errno.h>
#include <locale.h>
#include <stdio.h>

#define FILE_MAX_BYTES (1024 * 1024)
#define EXIT_BAD_INPUT 4

static GBytes *
read_input (GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  guint8 buffer[16 * 1024];
  size_t length;

  while (bytes->len <= FILE_MAX_BYTES && (length = fread (buffer, 1, sizeof buffer, stdin)) > 0)
    g_byte_array_append (bytes, buffer, (unsigned int)length);
  if (ferror (stdin))
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED, "it cannot be read: %s",
                 g_strerror (errno));
  else if (bytes->len > FILE_MAX_BYTES)
    g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_WRONG_FORMAT, "it has more than %d bytes",
                 FILE_MAX_BYTES);
  else
    return g_byte_array_free_to_bytes (g_steal_pointer (&bytes));
  return NULL;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (CpdHost) host = NULL;
  g_autoptr (GBytes) file = NULL;
  g_autoptr (GVariant) value = NULL;

  setlocale (LC_CTYPE, "C.UTF-8");
  if (argc > 2)
    {
      fputs ("usage: certpin-reader [HOST] < FILE\n", stderr);
      return 2;
    }
  if (argc < 2 || (host = cpd_host_new (argv[1], &error)) != NULL)
    file = read_input (&error);
  if (file != NULL)
    value = reader_describe (file, host, &error);
  if (value == NULL)
    {
      fputs (error->message, stderr);
      return EXIT_BAD_INPUT;
    }
  fwrite (g_variant_get_data (value), 1, g_variant_get_size (value), stdout);
  return fflush (stdout) == 0 ? 0 : 1;
}
