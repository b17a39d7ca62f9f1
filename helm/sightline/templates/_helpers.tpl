{{/* Names, labels, images. What all pods share is in _pods.tpl. */}}

{{- define "sightline.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- include "sightline.cut" (list .Values.fullnameOverride 30) -}}
{{- else if contains $name .Release.Name -}}
{{- include "sightline.cut" (list .Release.Name 30) -}}
{{- else -}}
{{- include "sightline.cut" (list (printf "%s-%s" .Release.Name $name) 30) -}}
{{- end -}}
{{- end -}}

{{/* (list text limit): the text as a DNS label; one that is too long ends in its hash, so that two stay two. */}}
{{- define "sightline.cut" -}}
{{- $text := index . 0 | replace "_" "-" -}}
{{- $limit := index . 1 | int -}}
{{- if gt (len $text) $limit -}}
{{- printf "%s-%s" ($text | trunc (int (sub $limit 7)) | trimSuffix "-") (sha256sum $text | trunc 6) -}}
{{- else -}}
{{- $text | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{/* (list root suffix): 52 characters at most, since a StatefulSet's pods carry its name and a hash in a label. */}}
{{- define "sightline.name" -}}
{{- include "sightline.cut" (list (printf "%s-%s" (include "sightline.fullname" (index . 0)) (index . 1)) 52) -}}
{{- end -}}

{{/* (list root component): what selects a component's pods. */}}
{{- define "sightline.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "sightline.cut" (list (default $root.Chart.Name $root.Values.nameOverride) 63) }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
{{- with index . 1 }}
app.kubernetes.io/component: {{ . }}
{{- end }}
{{- end -}}

{{/* (list root component) */}}
{{- define "sightline.labels" -}}
{{- $root := index . 0 -}}
{{ include "sightline.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
app.kubernetes.io/part-of: sightline
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end -}}

{{/* (list root image): an image's whole name. */}}
{{- define "sightline.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $tag := $image.tag | default $root.Values.image.tag | default $root.Chart.AppVersion -}}
{{- with $root.Values.image.registry }}{{ trimSuffix "/" . }}/{{ end }}{{ $image.repository }}:{{ $tag }}
{{- end -}}

{{/* A value as text; YAML's numbers come as floats, and a large one would be written 5.308416e+06. */}}
{{- define "sightline.text" -}}
{{- if kindIs "float64" . -}}
{{- if eq . (floor .) }}{{ int64 . }}{{ else }}{{ . }}{{ end -}}
{{- else }}{{ . }}{{ end -}}
{{- end -}}

{{/* (list prefix settings): a service's settings as environment, `batch_rows_max` as PREFIX_BATCH_ROWS_MAX. */}}
{{- define "sightline.settings" -}}
{{- $prefix := index . 0 -}}
{{- range $key, $value := index . 1 }}
- {name: {{ $prefix }}{{ upper $key }}, value: {{ include "sightline.text" $value | quote }}}
{{- end }}
{{- end -}}
