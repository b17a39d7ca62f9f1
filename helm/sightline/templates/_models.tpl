{{/* Where a featurizer's models come from. */}}

{{/* (list root pool) */}}
{{- define "sightline.models.init" -}}
{{- $root := index . 0 -}}
{{- $models := $root.Values.models -}}
{{- if eq $models.source "image" }}
- name: models
  image: {{ include "sightline.image" (list $root $models.image) }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: [/bin/busybox, cp, -r, /models/., /target/]
  {{- include "sightline.container" . | nindent 2 }}
  resources: {requests: {cpu: 50m, memory: 32Mi}, limits: {memory: 128Mi}}
  volumeMounts: [{name: models, mountPath: /target}]
{{- else if eq $models.source "url" }}
- name: models
  image: {{ include "sightline.image" (list $root (index . 1).image) }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command: [sightline, models, fetch, --url, {{ $models.url.url | quote }}, --sha256, {{ $models.url.sha256 | quote }}, --to, /target]
  {{- with $models.url.existingSecret }}
  envFrom: [{secretRef: {name: {{ . }}}}]
  {{- end }}
  {{- include "sightline.container" . | nindent 2 }}
  resources: {requests: {cpu: 50m, memory: 96Mi}, limits: {memory: 512Mi}}
  volumeMounts: [{name: models, mountPath: /target}, {name: tmp, mountPath: /tmp}]
{{- end }}
{{- end -}}

{{- define "sightline.models.mount" -}}
- name: models
  mountPath: /models
  readOnly: true
  {{- if and (eq .Values.models.source "pvc") .Values.models.pvc.subPath }}
  subPath: {{ .Values.models.pvc.subPath }}
  {{- end }}
{{- end -}}

{{- define "sightline.models.volume" -}}
- name: models
  {{- if eq .Values.models.source "pvc" }}
  persistentVolumeClaim: {claimName: {{ .Values.models.pvc.claimName }}, readOnly: true}
  {{- else }}
  emptyDir: {sizeLimit: {{ .Values.models.size }}}
  {{- end }}
{{- end -}}
