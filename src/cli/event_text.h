/* One event as a line: for people, or as it came. */
#ifndef CLI_EVENT_TEXT_H
#define CLI_EVENT_TEXT_H

#include <stdio.h>

#include "base/buffer.h"
#include "layerd/layerd.h"

enum event_format { EVENT_FORMAT_TEXT, EVENT_FORMAT_NATIVE, EVENT_FORMAT_CLOUDEVENTS };

void event_print(FILE *out, const struct layerd_event *event, enum event_format format);

/* "2026-11-20T22:43:03.000000Z  12  ledger.transferred  account/lyt1…  from=… asset=COIN amount=5": time,
 * seq, type, subject and the data as key=value, without what the subject says already; long texts are cut. */
void event_text(struct buffer *out, const struct layerd_event *event);

#endif
