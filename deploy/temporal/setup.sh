#!/bin/sh
# The namespace and the search attributes of contracts/workflows.ts. Can be repeated.
set -eu

temporal operator cluster health
temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE" >/dev/null 2>&1 ||
  temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention 30d

existing=$(temporal operator search-attribute list --namespace "$TEMPORAL_NAMESPACE")
for attribute in OrderStatus:Keyword OrderStep:Keyword NeedsAttention:Bool CustomerId:Keyword OrderTotal:Int; do
  name=${attribute%%:*}
  if echo "$existing" | grep -qw "$name"; then continue; fi
  temporal operator search-attribute create --namespace "$TEMPORAL_NAMESPACE" --name "$name" --type "${attribute##*:}"
done
