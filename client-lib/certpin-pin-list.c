/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* A list of all pins that stays right. There is one call at a time: a slice of all pins, or the
 * pins of one host that changed. What is told meanwhile waits, at most PENDING_MAX hosts; beyond
 * that, all pins are listed again. Whatever may have been missed leads to that, too. */

#include "config.h"

#include "certpin-pin-list.h"

#include "certpin-client-private.h"
#include "certpin-error.h"
#include "certpin-pin-merge.h"

#include <string.h>

#define PENDING_MAX 64

struct _CertpinPinList
{
  GObject parent;

  GMainContext *context;
  CertpinClient *client; /* of its own, since it watches */
  GCancellable *cancellable;
  GPtrArray *pins; /* of CertpinPin */
  GError *error;   /* (nullable) */

  gboolean loading;
  gboolean stale;  /* the last call failed: the next signal lists all pins */
  gboolean all;    /* all pins are to be listed, again */
  GQueue *pending; /* of char *: hosts that changed */

  /* Of what is being listed. */
  char *after; /* the last host that is known */
  char *until; /* (nullable): the host that changed; NULL: all */
};

enum
{
  PROP_ITEM_TYPE = 1,
  PROP_N_ITEMS,
  PROP_LOADING,
  PROP_ERROR,
  N_PROPS,
};

static GParamSpec *props[N_PROPS];

static void list_model_init (GListModelInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE (CertpinPinList, certpin_pin_list, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, list_model_init))

static GType
get_item_type (GListModel *model)
{
  return CERTPIN_TYPE_PIN;
}

static unsigned int
get_n_items (GListModel *model)
{
  return CERTPIN_PIN_LIST (model)->pins->len;
}

static gpointer
get_item (GListModel *model, unsigned int position)
{
  CertpinPinList *list = CERTPIN_PIN_LIST (model);

  return position < list->pins->len ? g_object_ref (list->pins->pdata[position]) : NULL;
}

static void
list_model_init (GListModelInterface *interface)
{
  interface->get_item_type = get_item_type;
  interface->get_n_items = get_n_items;
  interface->get_item = get_item;
}

static void
list_set_loading (CertpinPinList *list, gboolean loading)
{
  if (list->loading == loading)
    return;
  list->loading = loading;
  g_object_notify_by_pspec (G_OBJECT (list), props[PROP_LOADING]);
}

/* `error`: (transfer full) (nullable) */
static void
list_set_error (CertpinPinList *list, GError *error)
{
  if (list->error == NULL && error == NULL)
    return;
  g_clear_error (&list->error);
  list->error = error;
  g_object_notify_by_pspec (G_OBJECT (list), props[PROP_ERROR]);
}

static void list_on_slice (GObject *source, GAsyncResult *result, gpointer user_data);

/* The list may be given up before the answer. */
static void
list_ask (CertpinPinList *list)
{
  g_auto (GVariantDict) options = G_VARIANT_DICT_INIT (NULL);
  GWeakRef *weak;

  if (list->client == NULL)
    return; /* disposed of, in a signal */
  weak = g_new0 (GWeakRef, 1);
  g_weak_ref_init (weak, list);
  g_variant_dict_insert (&options, "start-after", "s", list->after);
  if (list->until != NULL)
    g_variant_dict_insert (&options, "max", "u", 1);
  g_main_context_push_thread_default (list->context);
  certpin_client_list_pins_async (list->client, g_variant_dict_end (&options), list->cancellable,
                                  list_on_slice, weak);
  g_main_context_pop_thread_default (list->context);
}

/* Lists what is to be listed next. */
static void
list_next (CertpinPinList *list)
{
  g_clear_pointer (&list->until, g_free);
  g_clear_pointer (&list->after, g_free);
  if (list->all)
    {
      list->all = FALSE;
      g_queue_clear_full (list->pending, g_free);
      list->after = g_strdup ("");
    }
  else if (!g_queue_is_empty (list->pending))
    {
      list->until = g_queue_pop_head (list->pending);
      list->after = g_strdup (certpin_pin_merge_find_before (list->pins, list->until));
    }
  if (list->after != NULL)
    list_ask (list);
  list_set_loading (list, list->after != NULL);
}

static void
list_want (CertpinPinList *list)
{
  if (!list->loading)
    list_next (list);
}

static void
list_fail (CertpinPinList *list, GError *error)
{
  list->stale = TRUE;
  list_set_error (list, error);
  g_queue_clear_full (list->pending, g_free); /* the next load is of all */
  list_next (list);
}

/* Each slice must go on behind the one before, or the list would never be complete. */
static gboolean
check_slice (CertpinPinList *list, GPtrArray *slice, const char *last, GError **error)
{
  if (slice->len == 0 || (last != NULL && strcmp (last, list->after) > 0))
    return TRUE;
  g_set_error (error, CERTPIN_ERROR, CERTPIN_ERROR_FAILED,
               "the reply of the certpin service is not valid: it lists ‘%.100s’ after ‘%.100s’",
               last != NULL ? last : "", list->after);
  return FALSE;
}

static void
list_merge (CertpinPinList *list, GPtrArray *slice, const char *last)
{
  unsigned int before = list->pins->len;

  certpin_pin_merge (G_LIST_MODEL (list), list->pins, list->after, last, slice);
  if (list->pins->len != before)
    g_object_notify_by_pspec (G_OBJECT (list), props[PROP_N_ITEMS]);
}

/* `last`: (nullable): NULL: nothing comes behind */
static void
list_go_on (CertpinPinList *list, const char *last)
{
  if (last != NULL && (list->until == NULL || strcmp (last, list->until) < 0))
    {
      g_free (list->after);
      list->after = g_strdup (last);
      list_ask (list);
      return;
    }
  if (list->until == NULL)
    {
      list->stale = FALSE;
      list_set_error (list, NULL);
    }
  list_next (list);
}

static CertpinPinList *
take_weak (GWeakRef *weak)
{
  CertpinPinList *list = g_weak_ref_get (weak);

  g_weak_ref_clear (weak);
  g_free (weak);
  return list;
}

static void
list_on_slice (GObject *source, GAsyncResult *result, gpointer user_data)
{
  g_autoptr (CertpinPinList) list = take_weak (user_data);
  GError *error = NULL;
  g_autoptr (GPtrArray) slice
      = certpin_client_list_pins_finish (CERTPIN_CLIENT (source), result, &error);
  const char *last = slice != NULL ? certpin_pin_merge_find_last_host (slice) : NULL;

  if (list == NULL || list->client == NULL)
    g_clear_error (&error);
  else if (slice == NULL || !check_slice (list, slice, last, &error))
    list_fail (list, error);
  else
    {
      list_merge (list, slice, last);
      list_go_on (list, last);
    }
}

static gboolean
is_pending (CertpinPinList *list, const char *host)
{
  return g_queue_find_custom (list->pending, host, (GCompareFunc)g_strcmp0) != NULL;
}

/* `host`: empty: any pin may have changed. `what`: a change, or a sighting */
static void
list_on_changed (CertpinClient *client, const char *host, CertpinRecord *what, CertpinPinList *list)
{
  if (*host == '\0' || list->stale || g_queue_get_length (list->pending) >= PENDING_MAX)
    list->all = TRUE;
  else if (!is_pending (list, host))
    g_queue_push_tail (list->pending, g_strdup (host));
  list_want (list);
}

static void
certpin_pin_list_get_property (GObject *object, unsigned int property, GValue *value,
                               GParamSpec *pspec)
{
  CertpinPinList *list = CERTPIN_PIN_LIST (object);

  switch (property)
    {
    case PROP_ITEM_TYPE:
      g_value_set_gtype (value, CERTPIN_TYPE_PIN);
      break;
    case PROP_N_ITEMS:
      g_value_set_uint (value, list->pins->len);
      break;
    case PROP_LOADING:
      g_value_set_boolean (value, list->loading);
      break;
    case PROP_ERROR:
      g_value_set_boxed (value, list->error);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, property, pspec);
    }
}

/* The client ends its signals with its last reference. */
static void
certpin_pin_list_dispose (GObject *object)
{
  CertpinPinList *list = CERTPIN_PIN_LIST (object);

  g_cancellable_cancel (list->cancellable);
  g_clear_object (&list->client);
  G_OBJECT_CLASS (certpin_pin_list_parent_class)->dispose (object);
}

static void
certpin_pin_list_finalize (GObject *object)
{
  CertpinPinList *list = CERTPIN_PIN_LIST (object);

  g_object_unref (list->cancellable);
  g_ptr_array_unref (list->pins);
  g_clear_error (&list->error);
  g_queue_free_full (list->pending, g_free);
  g_free (list->after);
  g_free (list->until);
  g_main_context_unref (list->context);
  G_OBJECT_CLASS (certpin_pin_list_parent_class)->finalize (object);
}

static void
certpin_pin_list_class_init (CertpinPinListClass *klass)
{
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_EXPLICIT_NOTIFY | G_PARAM_STATIC_STRINGS;
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = certpin_pin_list_get_property;
  object_class->dispose = certpin_pin_list_dispose;
  object_class->finalize = certpin_pin_list_finalize;

  /**
   * CertpinPinList:item-type:
   *
   * The type of the items: #CertpinPin.
   *
   * Since: 0.1
   */
  props[PROP_ITEM_TYPE] = g_param_spec_gtype ("item-type", NULL, NULL, G_TYPE_OBJECT, flags);

  /**
   * CertpinPinList:n-items:
   *
   * How many pins there are.
   *
   * Since: 0.1
   */
  props[PROP_N_ITEMS] = g_param_spec_uint ("n-items", NULL, NULL, 0, G_MAXUINT, 0, flags);

  /**
   * CertpinPinList:loading:
   *
   * Whether pins are being listed, at first or because they changed.
   *
   * Since: 0.1
   */
  props[PROP_LOADING] = g_param_spec_boolean ("loading", NULL, NULL, FALSE, flags);

  /**
   * CertpinPinList:error:
   *
   * Why the pins could not be listed; %NULL once all could. Until then, the list has what was known
   * before.
   *
   * Since: 0.1
   */
  props[PROP_ERROR] = g_param_spec_boxed ("error", NULL, NULL, G_TYPE_ERROR, flags);

  g_object_class_install_properties (object_class, N_PROPS, props);
}

static void
certpin_pin_list_init (CertpinPinList *list)
{
  list->context = g_main_context_ref_thread_default ();
  list->cancellable = g_cancellable_new ();
  list->pins = g_ptr_array_new_with_free_func (g_object_unref);
  list->pending = g_queue_new ();
}

/**
 * certpin_pin_list_new:
 * @client: a client, whose connection to the bus is used
 *
 * Creates a list of all pins that the user may see, and begins to fill it. The list ends its calls
 * and its subscription with its last reference. It does not change #CertpinClient:watching of
 * @client.
 *
 * Returns: (transfer full): a list, empty at first
 *
 * Since: 0.1
 */
CertpinPinList *
certpin_pin_list_new (CertpinClient *client)
{
  CertpinPinList *list;

  g_return_val_if_fail (CERTPIN_IS_CLIENT (client), NULL);

  list = g_object_new (CERTPIN_TYPE_PIN_LIST, NULL);
  list->client = certpin_client_new_beside (client);
  g_signal_connect_object (list->client, "pin-changed", G_CALLBACK (list_on_changed), list, 0);
  g_signal_connect_object (list->client, "key-seen", G_CALLBACK (list_on_changed), list, 0);
  /* First the signals, then the pins, so that no change is missed. */
  certpin_client_set_watching (list->client, TRUE);
  certpin_pin_list_reload (list);
  return list;
}

/**
 * certpin_pin_list_get_loading:
 * @list: a list
 *
 * Gets #CertpinPinList:loading.
 *
 * Returns: whether pins are being listed
 *
 * Since: 0.1
 */
gboolean
certpin_pin_list_get_loading (CertpinPinList *list)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_LIST (list), FALSE);

  return list->loading;
}

/**
 * certpin_pin_list_get_error:
 * @list: a list
 *
 * Gets #CertpinPinList:error. Its codes are those of certpin_client_list_pins().
 *
 * Returns: (transfer none) (nullable): why the pins could not be listed, or %NULL
 *
 * Since: 0.1
 */
const GError *
certpin_pin_list_get_error (CertpinPinList *list)
{
  g_return_val_if_fail (CERTPIN_IS_PIN_LIST (list), NULL);

  return list->error;
}

/**
 * certpin_pin_list_reload:
 * @list: a list
 *
 * Lists all pins again. Programs need this only after an error that does not end by itself, such as
 * `CERTPIN_ERROR_NOT_AUTHORIZED`, or `CERTPIN_ERROR_TIMED_OUT`.
 *
 * Since: 0.1
 */
void
certpin_pin_list_reload (CertpinPinList *list)
{
  g_return_if_fail (CERTPIN_IS_PIN_LIST (list));

  list->all = list->client != NULL;
  list_want (list);
}
