/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Splits the text of a pin file, which the service takes only up to a number of pins and of bytes.
 * It does not judge the text: only the service does. So that its errors name the right lines, each
 * part has an empty line for each one that it leaves out. */

#include "config.h"

#include "certpin-split.h"

#include <string.h>

/* A part that is being put together. */
typedef struct
{
  const char *header; /* with all lines up to the first pin */
  size_t header_length;
  unsigned int skipped; /* lines between the header and the part's first pin */
  const char *start;    /* of the first pin */
  unsigned int pins;
  unsigned int lines;
} Part;

static gboolean
is_group (const char *line)
{
  return line[strspn (line, " \t\r\v\f")] == '[';
}

/* Whether the line is Host=, with space as GKeyFile allows it. */
static gboolean
is_host (const char *line)
{
  line += strspn (line, " \t\r\v\f");
  if (strncmp (line, "Host", strlen ("Host")) != 0)
    return FALSE;
  line += strlen ("Host");
  return line[strspn (line, " \t\r\v\f")] == '=';
}

static const char *
next_line (const char *line)
{
  const char *end = strchr (line, '\n');

  return end != NULL ? end + 1 : line + strlen (line);
}

static void
add_part (GPtrArray *parts, const Part *part, const char *end)
{
  GString *text = g_string_new_len (part->header, (gssize)part->header_length);

  for (unsigned int i = 0; i < part->skipped; i++)
    g_string_append_c (text, '\n');
  g_string_append_len (text, part->start, end - part->start);
  g_ptr_array_add (parts, g_string_free (text, FALSE));
}

/* Whether the pin up to `end` does not fit into the part any more. */
static gboolean
is_full (const Part *part, const char *end, unsigned int most_pins, gsize most_bytes)
{
  return part->pins > 0
         && (part->pins >= most_pins
             || part->header_length + part->skipped + (size_t)(end - part->start) > most_bytes);
}

/* Returns: the end of the group that begins here. `lines`: (out): how many it has */
static const char *
skip_group (const char *group, unsigned int *lines)
{
  const char *line = next_line (group);

  for (*lines = 1; *line != '\0' && !is_group (line); line = next_line (line))
    ++*lines;
  return line;
}

/* Returns: the first line of the first pin, behind the group that describes the file */
static const char *
skip_header (const char *text)
{
  unsigned int lines;

  while (*text != '\0' && !is_group (text))
    text = next_line (text);
  return *text != '\0' ? skip_group (text, &lines) : text;
}

/* `most_bytes`: of a part, unless a single pin has more.
 * Returns: (transfer full): of char *: at least one */
GPtrArray *
certpin_split_pins (const char *text, unsigned int most_pins, gsize most_bytes)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_free);
  const char *pin = skip_header (text);
  Part part = { .header = text, .header_length = (size_t)(pin - text), .start = pin };

  while (*pin != '\0')
    {
      unsigned int lines;
      const char *end = skip_group (pin, &lines);

      if (is_full (&part, end, most_pins, most_bytes))
        {
          add_part (parts, &part, pin);
          part.skipped += part.lines;
          part.start = pin;
          part.pins = part.lines = 0;
        }
      part.pins++;
      part.lines += lines;
      pin = end;
    }
  add_part (parts, &part, pin);
  return parts;
}

/* `pin`: counted from 0
 * Returns: the line in which it says its host, or begins if it does not; 0: there is no such pin */
unsigned int
certpin_split_find_host (const char *text, unsigned int pin)
{
  const char *line = skip_header (text);
  unsigned int number = 1, lines, i;

  for (const char *c = text; c < line; c++)
    number += *c == '\n';
  for (; pin > 0 && *line != '\0'; pin--, number += lines)
    line = skip_group (line, &lines);
  if (*line == '\0')
    return 0;
  skip_group (line, &lines);
  for (i = 0; i < lines && !is_host (line); i++)
    line = next_line (line);
  return i < lines ? number + i : number;
}
