/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Reads messages of the bus without decoding them: sender, receiver, kind, and the number of
 * values. To decode a message costs GDBus ten times what it costs the bus to check it, so expensive
 * messages must be found beforehand. D-Bus Specification, “Message Protocol” and “Marshaling (Wire
 * Format)”. The bus has checked the messages; nothing here relies on that. */

#include "config.h"

#include "daemon/bus/cpd-wire.h"

#include <string.h>

/* Nesting of values: the specification allows 64 levels. */
#define DEPTH_MAX 64

/* Values of a header. All existing fields together have some 30. */
#define HEADER_VALUES_MAX 256

#define SERIAL_AT 8

/* “The array of header fields” begins here. */
#define FIELDS_AT 12

/* An unknown field, which every reader must ignore. */
#define FIELD_UNKNOWN 255

typedef struct
{
  const guint8 *bytes;
  gsize size, at;
  gboolean swapped;
  unsigned int left; /* values that may still come */
} Reader;

static gboolean skip_value (Reader *reader, const char **type, unsigned int depth);

static gboolean
is_swapped (const guint8 *start)
{
  return start[0] != (G_BYTE_ORDER == G_LITTLE_ENDIAN ? 'l' : 'B');
}

static guint32
get_number (const guint8 *bytes, gboolean swapped)
{
  guint32 number;

  memcpy (&number, bytes, sizeof number);
  return swapped ? GUINT32_SWAP_LE_BE (number) : number;
}

static gboolean
skip (Reader *reader, gsize bytes)
{
  if (bytes > reader->size - reader->at)
    return FALSE;
  reader->at += bytes;
  return TRUE;
}

static gboolean
align (Reader *reader, gsize to)
{
  return skip (reader, -reader->at & (to - 1));
}

static gboolean
read_number (Reader *reader, guint32 *number)
{
  if (!align (reader, 4) || reader->size - reader->at < 4)
    return FALSE;
  *number = get_number (reader->bytes + reader->at, reader->swapped);
  return skip (reader, 4);
}

/* `text`: (out) (transfer none): of the given length, then zero */
static gboolean
read_text (Reader *reader, gsize length, const char **text)
{
  *text = (const char *)reader->bytes + reader->at;
  return skip (reader, length) && skip (reader, 1) && (*text)[length] == '\0'
         && memchr (*text, '\0', length) == NULL;
}

static gboolean
read_string (Reader *reader, const char **text)
{
  guint32 length;

  return read_number (reader, &length) && read_text (reader, length, text);
}

static gboolean
read_signature (Reader *reader, const char **text)
{
  return reader->at < reader->size && skip (reader, 1)
         && read_text (reader, reader->bytes[reader->at - 1], text);
}

/* Returns: how many bytes each value of a type has; 0: they differ */
static gsize
get_fixed_size (char type)
{
  switch (type)
    {
    case 'y':
      return 1;
    case 'n':
    case 'q':
      return 2;
    case 'b':
    case 'i':
    case 'u':
    case 'h':
      return 4;
    case 'x':
    case 't':
    case 'd':
      return 8;
    default:
      return 0;
    }
}

static gsize
get_alignment (char type)
{
  switch (type)
    {
    case 'g':
    case 'v':
      return 1;
    case 's':
    case 'o':
    case 'a':
      return 4;
    case '(':
    case '{':
      return 8;
    default:
      return MAX (get_fixed_size (type), 1);
    }
}

/* Past one complete type. */
static gboolean
skip_type (const char **type)
{
  char c = *(*type)++;
  char end = c == '(' ? ')' : '}';

  if (c == '\0')
    return FALSE;
  if (c == 'a')
    return skip_type (type);
  if (c != '(' && c != '{')
    return TRUE;
  while (**type != end)
    if (!skip_type (type))
      return FALSE;
  ++*type;
  return TRUE;
}

/* An array of numbers, which is not decoded, is one value at any length; one of booleans is not. */
static gboolean
skip_array (Reader *reader, const char **type, unsigned int depth)
{
  const char *element = *type;
  guint32 length;
  gsize end;

  if (!skip_type (type) || !read_number (reader, &length)
      || !align (reader, get_alignment (*element)) || length > reader->size - reader->at)
    return FALSE;
  end = reader->at + length;
  if (get_fixed_size (*element) > 0 && *element != 'b')
    return skip (reader, length);
  while (reader->at < end)
    {
      const char *one = element;

      if (!skip_value (reader, &one, depth))
        return FALSE;
    }
  return reader->at == end;
}

static gboolean
skip_struct (Reader *reader, const char **type, char end, unsigned int depth)
{
  if (!align (reader, 8))
    return FALSE;
  while (**type != end)
    if (!skip_value (reader, type, depth))
      return FALSE;
  ++*type;
  return TRUE;
}

static gboolean
skip_variant (Reader *reader, unsigned int depth)
{
  const char *type;

  return read_signature (reader, &type) && skip_value (reader, &type, depth) && *type == '\0';
}

/* Advances `type` past the type of this value. FALSE: the bytes hold no such value, or the limit is
 * reached. */
static gboolean
skip_value (Reader *reader, const char **type, unsigned int depth)
{
  const char *text;
  char c = **type;

  if (c == '\0' || depth == DEPTH_MAX || reader->left == 0)
    return FALSE;
  reader->left--;
  ++*type;
  switch (c)
    {
    case 's':
    case 'o':
      return read_string (reader, &text);
    case 'g':
      return read_signature (reader, &text);
    case 'v':
      return skip_variant (reader, depth + 1);
    case 'a':
      return skip_array (reader, type, depth + 1);
    case '(':
      return skip_struct (reader, type, ')', depth + 1);
    case '{':
      return skip_struct (reader, type, '}', depth + 1);
    default:
      return get_fixed_size (c) > 0 && align (reader, get_fixed_size (c))
             && skip (reader, get_fixed_size (c));
    }
}

/* Returns: the length of the header, including the padding before the body */
guint64
cpd_wire_measure_header (const guint8 start[CPD_WIRE_START_BYTES])
{
  guint64 fields = get_number (start + FIELDS_AT, is_swapped (start));

  return (CPD_WIRE_START_BYTES + fields + 7) & ~(guint64)7;
}

guint32
cpd_wire_measure_body (const guint8 start[CPD_WIRE_START_BYTES])
{
  return get_number (start + 4, is_swapped (start));
}

/* The code of a field says where its value is stored. */
static gboolean
keep_field (Reader *reader, guint8 code, const char *type, CpdWireHeader *header)
{
  const char **text = code == G_DBUS_MESSAGE_HEADER_FIELD_SENDER        ? &header->sender
                      : code == G_DBUS_MESSAGE_HEADER_FIELD_MEMBER      ? &header->member
                      : code == G_DBUS_MESSAGE_HEADER_FIELD_DESTINATION ? &header->destination
                      : code == G_DBUS_MESSAGE_HEADER_FIELD_INTERFACE   ? &header->interface
                                                                        : NULL;

  if (text != NULL)
    return strcmp (type, "s") == 0 && read_string (reader, text);
  if (code == G_DBUS_MESSAGE_HEADER_FIELD_PATH)
    return strcmp (type, "o") == 0 && read_string (reader, &header->path);
  if (code == G_DBUS_MESSAGE_HEADER_FIELD_SIGNATURE)
    return strcmp (type, "g") == 0 && read_signature (reader, &header->signature);
  if (code == G_DBUS_MESSAGE_HEADER_FIELD_NUM_UNIX_FDS)
    return strcmp (type, "u") == 0 && read_number (reader, &header->n_fds);
  return skip_value (reader, &type, 0) && *type == '\0';
}

/* A field is a code and a variant with its value. */
static gboolean
read_field (Reader *reader, CpdWireHeader *header)
{
  const char *type;
  guint8 code;

  if (!align (reader, 8) || !skip (reader, 1))
    return FALSE;
  code = reader->bytes[reader->at - 1];
  return read_signature (reader, &type) && keep_field (reader, code, type, header);
}

static Reader
read_fields_from (const guint8 *bytes, gsize size)
{
  Reader reader = { .bytes = bytes, .size = size, .at = FIELDS_AT, .left = HEADER_VALUES_MAX };
  guint32 length = 0;

  reader.swapped = is_swapped (bytes);
  read_number (&reader, &length);
  reader.size = MIN (size, reader.at + (gsize)length);
  return reader;
}

/* `bytes`: the whole header. FALSE: it is not valid, or has too many values. */
gboolean
cpd_wire_read_header (const guint8 *bytes, gsize size, CpdWireHeader *header)
{
  Reader reader;

  memset (header, 0, sizeof *header);
  if (size < CPD_WIRE_START_BYTES || size != cpd_wire_measure_header (bytes))
    return FALSE;
  header->type = bytes[1];
  header->flags = bytes[2];
  header->swapped = is_swapped (bytes);
  header->body_bytes = cpd_wire_measure_body (bytes);
  header->serial = get_number (bytes + SERIAL_AT, header->swapped);
  reader = read_fields_from (bytes, size);
  while (reader.at < reader.size)
    if (!read_field (&reader, header))
      return FALSE;
  return TRUE;
}

/* Whether the body, of the length in the header, has more than `most` values, or invalid ones. */
gboolean
cpd_wire_has_more_values (const CpdWireHeader *header, const guint8 *body, unsigned int most)
{
  Reader reader
      = { .bytes = body, .size = header->body_bytes, .swapped = header->swapped, .left = most };
  const char *type = header->signature != NULL ? header->signature : "";

  while (*type != '\0')
    if (!skip_value (&reader, &type, 0))
      return TRUE;
  return reader.at != reader.size;
}

/* Changes the header to that of a message without a body and without descriptors. */
void
cpd_wire_empty (guint8 *bytes, gsize size)
{
  Reader reader = read_fields_from (bytes, size);
  CpdWireHeader ignored = { 0 };

  memset (bytes + 4, 0, 4);
  while (reader.at < reader.size)
    {
      gsize at = (reader.at + 7) & ~(gsize)7;

      if (!read_field (&reader, &ignored))
        return;
      if (bytes[at] == G_DBUS_MESSAGE_HEADER_FIELD_SIGNATURE
          || bytes[at] == G_DBUS_MESSAGE_HEADER_FIELD_NUM_UNIX_FDS)
        bytes[at] = FIELD_UNKNOWN;
    }
}
