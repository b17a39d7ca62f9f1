{{/* True where topics are to be made, or rows to be written. */}}
{{- define "sightline.topics.needed" -}}
{{- if or (include "sightline.topics.made" .) (include "sightline.locations.loaded" .) }}true{{ end -}}
{{- end -}}

{{/* Strimzi's operator makes its own. */}}
{{- define "sightline.topics.made" -}}
{{- if and .Values.topics.create (not .Values.kafka.strimzi.enabled) }}true{{ end -}}
{{- end -}}

{{/* First the topics, then the table's rows. */}}
{{- define "sightline.topics.pod" -}}
{{- $image := include "sightline.image" (list . .Values.streamJoiner.image) -}}
{{- $selector := include "sightline.selector" (list . "topics") -}}
{{- $replicas := .Values.topics.replicationFactor -}}
metadata:
  labels: {{- $selector | nindent 4 }}
  annotations:
    checksum/topics: {{ include "sightline.topics" . | sha256sum }}
    checksum/locations: {{ include "sightline.locations" . | sha256sum }}
spec:
  {{- include "sightline.pod" (list . dict $selector (include "sightline.name" (list . "topics"))) | nindent 2 }}
  restartPolicy: OnFailure
  {{- $make := list "sightline" "topics" "--file" "/config/topics.yaml" "--timeout-s" (.Values.topics.timeoutSeconds | int | toString) }}
  {{- with $replicas }}{{ $make = concat $make (list "--replication-factor" (. | int | toString)) }}{{ end }}
  {{- $load := list "sightline" "send" "--topic" .Values.locations.topic "--rows" "/locations/locations.jsonl" "--key" .Values.locations.key }}
  {{- $steps := list }}
  {{- if include "sightline.topics.made" . }}{{ $steps = append $steps (dict "name" "topics" "command" $make) }}{{ end }}
  {{- if include "sightline.locations.loaded" . }}{{ $steps = append $steps (dict "name" "locations" "command" $load) }}{{ end }}
  {{- range $i, $step := $steps }}
  {{- if and (eq $i 0) (eq (len $steps) 2) }}
  initContainers:
  {{- else }}
  containers:
  {{- end }}
    - name: {{ $step.name }}
      image: {{ $image }}
      imagePullPolicy: {{ $.Values.image.pullPolicy }}
      command: {{ toJson $step.command }}
      env: {{- include "sightline.kafka.env" (list $ "SIGHTLINE_KAFKA_BOOTSTRAP_SERVERS" "SIGHTLINE_KAFKA_") | nindent 8 }}
      {{- include "sightline.container" $ | nindent 6 }}
      resources: {{- toYaml $.Values.topics.resources | nindent 8 }}
      volumeMounts:
        - {name: topics, mountPath: /config, readOnly: true}
        - {name: locations, mountPath: /locations, readOnly: true}
        - {name: tmp, mountPath: /tmp}
        {{- with include "sightline.kafka.mount" $ }}{{ . | trim | nindent 8 }}{{ end }}
  {{- end }}
  volumes:
    - {name: topics, configMap: {name: {{ include "sightline.name" (list . "topics") }}}}
    - {name: locations, configMap: {name: {{ .Values.locations.existingConfigMap | default (include "sightline.name" (list . "locations")) }}}}
    - {name: tmp, emptyDir: {}}
    {{- with include "sightline.kafka.volume" . }}{{ . | trim | nindent 4 }}{{ end }}
{{- end -}}
