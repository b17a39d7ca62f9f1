{{/* What the schema can't say. All that is wrong is told at once, each with its key. */}}

{{- define "sightline.checks" -}}
{{- $faults := list -}}
{{- range list "kafka" "pipelines" "rules" "replicas" "pools" "models" "tls" -}}
{{- $faults = concat $faults (include (printf "sightline.checks.%s" .) $ | splitList "\n") -}}
{{- end -}}
{{- with without $faults "" -}}
{{- fail (printf "values can't be used:\n  %s" (join "\n  " .)) -}}
{{- end -}}
{{- end -}}

{{- define "sightline.checks.kafka" -}}
{{- $kafka := .Values.kafka -}}
{{- $ways := without (list (ternary "kafka.enabled" "" $kafka.enabled) (ternary "kafka.strimzi.enabled" "" $kafka.strimzi.enabled) (ternary "kafka.external.bootstrapServers" "" (ne $kafka.external.bootstrapServers ""))) "" -}}
{{- if ne (len $ways) 1 }}
kafka: exactly one of kafka.enabled, kafka.strimzi.enabled and kafka.external.bootstrapServers is needed, not {{ join ", " $ways | default "none" }}
{{- end }}
{{- if and $kafka.enabled (gt (int .Values.topics.replicationFactor) 1) }}
topics.replicationFactor: {{ .Values.topics.replicationFactor }} replicas need as many brokers, the bundled one is alone
{{- end }}
{{- if and (hasPrefix "SASL" $kafka.external.securityProtocol) (not $kafka.external.sasl.existingSecret) }}
kafka.external.sasl.existingSecret: needed with {{ $kafka.external.securityProtocol }}
{{- end }}
{{- with $kafka.external.tls }}
{{- if ne (empty .certificateKey) (empty .keyKey) }}
kafka.external.tls: certificateKey and keyKey go together
{{- end }}
{{- end }}
{{- if include "sightline.locations.loaded" . }}
{{- if and .Values.topics.create (not (hasKey .Values.topics.definitions .Values.locations.topic)) }}
locations.topic: {{ .Values.locations.topic }} is not in topics.definitions
{{- end }}
{{- end }}
{{- end -}}

{{- define "sightline.checks.pipelines" -}}
{{- $sinks := dict -}}
{{- if and .Values.existingPipelines.configMap (not .Values.existingPipelines.names) }}
existingPipelines.names: needed with existingPipelines.configMap
{{- end }}
{{- if and .Values.existingPipelines.configMap .Values.pipelines }}
pipelines: not together with existingPipelines.configMap
{{- end }}
{{- range $name, $text := include "sightline.pipelines" . | fromYaml }}
{{- if $text }}
{{- $pipeline := $text | fromYaml }}
{{- if hasKey $pipeline "Error" }}
pipelines.{{ $name }}: is not YAML: {{ $pipeline.Error | replace "\n" " " }}
{{- else if ne (toString $pipeline.name) $name }}
pipelines.{{ $name }}: the text's `name` is {{ $pipeline.name }}
{{- else }}
{{- $sink := ($pipeline.sink | default dict).topic | toString }}
{{- with get $sinks $sink }}
{{- if or (eq .delivery "exactly-once") (eq (toString $pipeline.delivery) "exactly-once") }}
pipelines.{{ $name }}: sink {{ $sink }} is also that of {{ .name }}; an exactly-once pipeline has a sink of its own
{{- end }}
{{- end }}
{{- $_ := set $sinks $sink (dict "name" $name "delivery" (toString $pipeline.delivery)) }}
{{- end }}
{{- end }}
{{- end }}
{{- $names := keys (include "sightline.pipelines" . | fromYaml) }}
{{- range $name, $_ := .Values.streamJoiner.overrides }}
{{- if not (has $name $names) }}
streamJoiner.overrides.{{ $name }}: there is no such pipeline (there are: {{ sortAlpha $names | join ", " }})
{{- end }}
{{- end }}
{{- end -}}

{{- define "sightline.checks.rules" -}}
{{- $pipelines := include "sightline.pipelines" . | fromYaml }}
{{- $names := keys $pipelines }}
{{- $topics := .Values.topics.definitions }}
{{- if and (or .Values.pipelines .Values.existingPipelines.configMap) (not .Values.rules) (not .Values.existingRules.configMap) }}
rules: needed with pipelines of your own; those of the chart are for find-bond
{{- else if not .Values.existingRules.configMap }}
{{- range $file, $text := include "sightline.rules" . | fromYaml }}
{{- $parsed := $text | fromYaml }}
{{- if hasKey $parsed "Error" }}
rules.{{ $file }}: is not YAML: {{ $parsed.Error | replace "\n" " " }}
{{- end }}
{{- range $parsed.rules }}
{{- if not (has .pipeline $names) }}
rules.{{ $file }}: rule {{ .name }} is for pipeline {{ .pipeline }}, which is not there (there are: {{ sortAlpha $names | join ", " }})
{{- else }}
{{- $sink := ((get $pipelines .pipeline | fromYaml).sink | default dict).topic | toString }}
{{- if and (hasKey $topics $sink) (hasKey $topics "alerts") }}
{{- if ne (int (get $topics $sink).partitions) (int $topics.alerts.partitions) }}
topics.definitions: {{ $sink }} has {{ (get $topics $sink).partitions }} partitions and alerts {{ $topics.alerts.partitions }}; rule {{ .name }} alerts on the partition of its match
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sightline.checks.replicas" -}}
{{- range $name, $text := include "sightline.pipelines" . | fromYaml }}
{{- $joiner := include "sightline.joiner" (list $ $name) | fromYaml }}
{{- $partitions := include "sightline.partitions" (list $ $text) | int }}
{{- $key := ternary "scaling.maxReplicas" "replicas" (ne $joiner.scaling.type "none") }}
{{- $most := ternary $joiner.scaling.maxReplicas $joiner.replicas (ne $joiner.scaling.type "none") | int }}
{{- if gt $most $partitions }}
streamJoiner.{{ $key }}: {{ $most }} joiners for pipeline {{ $name }}, whose topic {{ include "sightline.source" $text }} has {{ $partitions }} partitions; the others would be idle
{{- end }}
{{- include "sightline.checks.scaling" (list "streamJoiner" $joiner.scaling) }}
{{- $secured := and (not $.Values.kafka.enabled) (or $.Values.kafka.strimzi.enabled (ne $.Values.kafka.external.securityProtocol "PLAINTEXT")) }}
{{- if and (eq $joiner.scaling.type "keda") (eq $joiner.scaling.keda.trigger "kafka") $secured (not $joiner.scaling.keda.authenticationRef) }}
streamJoiner.scaling.keda.authenticationRef: needed for trigger kafka where brokers ask for a login
{{- end }}
{{- end }}
{{- $alerts := get .Values.topics.definitions "alerts" | default dict }}
{{- if gt (int .Values.alerting.replicas) (int ($alerts.partitions | default 10000)) }}
alerting.replicas: {{ .Values.alerting.replicas }} pods, and alerts has {{ $alerts.partitions }} partitions; the others would be idle
{{- end }}
{{- end -}}

{{/* (list where scaling) */}}
{{- define "sightline.checks.scaling" -}}
{{- $scaling := index . 1 -}}
{{- if gt (int $scaling.minReplicas) (int $scaling.maxReplicas) }}
{{ index . 0 }}.scaling: minReplicas {{ $scaling.minReplicas }} is above maxReplicas {{ $scaling.maxReplicas }}
{{- end }}
{{- end -}}

{{- define "sightline.checks.pools" -}}
{{- $names := keys (include "sightline.pipelines" . | fromYaml) | sortAlpha }}
{{- range $name, $text := include "sightline.pipelines" . | fromYaml }}
{{- $scores := or (not $text) (regexMatch "(?i)\\b(predict|featurize)\\s*\\(" $text) }}
{{- if and $scores (not (include "sightline.featurizers" (list $ $name))) }}
featurizer.pools: no enabled pool serves pipeline {{ $name }}
{{- end }}
{{- end }}
{{- range (include "sightline.pools" . | fromYaml).pools }}
{{- $pool := . }}
{{- if not .image.repository }}
featurizer.pools.{{ .name }}.image.repository: is missing
{{- end }}
{{- range .pipelines }}
{{- if not (has . $names) }}
featurizer.pools.{{ $pool.name }}.pipelines: there is no pipeline {{ . }} (there are: {{ join ", " $names }})
{{- end }}
{{- end }}
{{- include "sightline.checks.scaling" (list (printf "featurizer.pools.%s" .name) .scaling) }}
{{- end }}
{{- end -}}

{{- define "sightline.checks.models" -}}
{{- with .Values.models }}
{{- if and (eq .source "pvc") (not .pvc.claimName) }}
models.pvc.claimName: needed with models.source pvc
{{- end }}
{{- if and (eq .source "url") (or (not .url.url) (not .url.sha256)) }}
models.url: url and sha256 are needed with models.source url
{{- end }}
{{- end }}
{{- end -}}

{{- define "sightline.checks.tls" -}}
{{- if and .Values.tls.enabled (not .Values.tls.certManager.enabled) }}
{{- range $component, $secret := .Values.tls.existingSecrets }}
{{- if not $secret }}
tls.existingSecrets.{{ $component }}: needed without tls.certManager.enabled
{{- end }}
{{- end }}
{{- end }}
{{- end -}}
