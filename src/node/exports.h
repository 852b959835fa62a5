/* What the registry says, as files that others read: schema/rpc.json, schema/events.json, the shell
 * completion. */
#ifndef NODE_EXPORTS_H
#define NODE_EXPORTS_H

#include "base/buffer.h"

void export_openrpc(struct buffer *out);       /* indented JSON */
void export_events_schema(struct buffer *out); /* indented JSON */
/* A line a method: name, access, then its parameters as name:type:required:choices, all separated by tabs;
 * "required" is "required" or "optional", choices are separated by '|'. A method of access "signed" that the
 * node is to sign takes `from` and `valid_for` besides. */
void export_methods(struct buffer *out);

#endif
