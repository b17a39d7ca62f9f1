{{/* Pipelines, rules and topics, from values or from the chart's files. Objects travel as YAML. */}}

{{/* name: text of each pipeline; of an existing ConfigMap's the text is not known here, and empty. */}}
{{- define "sightline.pipelines" -}}
{{- $found := dict -}}
{{- if .Values.existingPipelines.configMap -}}
{{- range .Values.existingPipelines.names }}{{ $_ := set $found . "" }}{{ end -}}
{{- else if .Values.pipelines -}}
{{- $found = .Values.pipelines -}}
{{- else -}}
{{- range $path, $_ := .Files.Glob "files/pipelines/*.yaml" }}{{ $_ := set $found (base $path | trimSuffix ".yaml") ($.Files.Get $path) }}{{ end -}}
{{- end -}}
{{- /* The line's end belongs to the last text. */}}
{{ toYaml $found }}
{{ end -}}

{{/* name: text of each rules file. */}}
{{- define "sightline.rules" -}}
{{- $found := .Values.rules -}}
{{- if not $found -}}
{{- $found = dict -}}
{{- range $path, $_ := .Files.Glob "files/rules/*.yaml" }}{{ $_ := set $found (base $path | trimSuffix ".yaml") ($.Files.Get $path) }}{{ end -}}
{{- end -}}
{{- /* The line's end belongs to the last text. */}}
{{ toYaml $found }}
{{ end -}}

{{/* The rows of the table, a JSON object a line. */}}
{{- define "sightline.locations" -}}
{{- if .Values.locations.rows -}}
{{- range .Values.locations.rows }}{{ toRawJson . }}
{{ end -}}
{{- else -}}
{{- .Files.Get "files/locations.jsonl" -}}
{{- end -}}
{{- end -}}

{{/* topics.yaml, as `sightline topics --file` reads it. */}}
{{- define "sightline.topics" -}}
topics:
{{- range $name, $topic := .Values.topics.definitions }}
  - name: {{ $name }}
    partitions: {{ $topic.partitions }}
    config: {
      {{- $sep := "" }}
      {{- range $key, $value := $topic.config }}{{ $sep }}{{ $key }}: {{ include "sightline.text" $value | quote }}{{ $sep = ", " }}{{ end -}}
    }
{{- end }}
{{- end -}}

{{/* (list root pipeline): what its joiner is to be: streamJoiner with the pipeline's overrides. */}}
{{- define "sightline.joiner" -}}
{{- $all := (index . 0).Values.streamJoiner -}}
{{- toYaml (mergeOverwrite (deepCopy (omit $all "overrides")) (deepCopy (get $all.overrides (index . 1) | default dict))) -}}
{{- end -}}

{{/* The topic a pipeline reads; of an existing ConfigMap's it is taken to be events. */}}
{{- define "sightline.source" -}}
{{- $topic := "events" -}}
{{- range ((. | fromYaml).sources | default dict) }}{{ $topic = .topic }}{{ end -}}
{{- $topic -}}
{{- end -}}

{{/* (list root text): partitions of a pipeline's source, as far as topics.definitions knows. */}}
{{- define "sightline.partitions" -}}
{{- (get (index . 0).Values.topics.definitions (include "sightline.source" (index . 1)) | default (dict "partitions" 10000)).partitions -}}
{{- end -}}

{{/* True where the table's rows are to be written: the chart's own belong to the chart's own pipeline. */}}
{{- define "sightline.locations.loaded" -}}
{{- $own := or .Values.pipelines .Values.existingPipelines.configMap -}}
{{- if and .Values.locations.load (or (not $own) .Values.locations.rows .Values.locations.existingConfigMap) }}true{{ end -}}
{{- end -}}

{{/* Enabled pools by preference, as a list under "pools"; each with what all pools share below its own values. */}}
{{- define "sightline.pools" -}}
{{- $shared := omit .Values.featurizer "pools" -}}
{{- $sorted := dict -}}
{{- range $name, $own := .Values.featurizer.pools -}}
{{- if and $own $own.enabled -}}
{{- $pool := mergeOverwrite (deepCopy $shared) (deepCopy $own) -}}
{{- $_ := set $pool "name" $name -}}
{{- $_ := set $sorted (printf "%06d-%s" (int $own.preference) $name) $pool -}}
{{- end -}}
{{- end -}}
pools:
{{- range $_, $pool := $sorted }}
  - {{ toYaml $pool | nindent 4 | trim }}
{{- end }}
{{- end -}}

{{/* (list root pipeline): the addresses of the pools that serve a pipeline, by preference. */}}
{{- define "sightline.featurizers" -}}
{{- $root := index . 0 -}}
{{- $pipeline := index . 1 -}}
{{- $addresses := list -}}
{{- range (include "sightline.pools" $root | fromYaml).pools -}}
{{- if or (not .pipelines) (has $pipeline .pipelines) -}}
{{- $addresses = append $addresses (printf "%s:8500" (include "sightline.name" (list $root (printf "featurizer-%s" .name)))) -}}
{{- end -}}
{{- end -}}
{{- join "," $addresses -}}
{{- end -}}
