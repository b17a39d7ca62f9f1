{{/* What all pods share: Pod Security "restricted", placement, probes. */}}

{{/* (list root values component serviceAccount): the head of a pod's spec. */}}
{{- define "sightline.pod" -}}
{{- $root := index . 0 -}}
{{- $values := index . 1 -}}
{{- $selector := index . 2 -}}
serviceAccountName: {{ index . 3 }}
automountServiceAccountToken: false
# Service links would add variables that begin like our settings.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- range . }}
  - {{ mergeOverwrite (dict "labelSelector" (dict "matchLabels" ($selector | fromYaml))) . | toYaml | nindent 4 | trim }}
  {{- end }}
{{- end }}
{{- with $values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $values.runtimeClassName }}
runtimeClassName: {{ . }}
{{- end }}
{{- end -}}

{{- define "sightline.container" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* (list values start): `start` is the path that answers once the process may be judged by the other two. */}}
{{- define "sightline.probes" -}}
{{- $values := index . 0 -}}
startupProbe:
  httpGet: {path: {{ index . 1 }}, port: http}
  periodSeconds: 2
  failureThreshold: {{ max 1 (div $values.startupSecondsMax 2) }}
readinessProbe:
  httpGet: {path: /readyz, port: http}
  periodSeconds: 2
  timeoutSeconds: 2
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
{{- with $values.preStopSeconds }}
lifecycle:
  preStop:
    exec: {command: [sleep, {{ . | quote }}]}
{{- end }}
{{- end -}}

{{/* (list values drains): seconds for the preStop, `drains` drains one after the other, and closing what is left. */}}
{{- define "sightline.graceSeconds" -}}
{{- $values := index . 0 -}}
{{- add $values.preStopSeconds (mul (index . 1) (div (add $values.drainMsMax 999) 1000)) 10 -}}
{{- end -}}

{{/* (list root image): code on a volume that a development loop writes to; PYTHONPATH puts it before the image's. */}}
{{- define "sightline.dev.init" -}}
{{- $root := index . 0 -}}
{{- if $root.Values.dev.codeVolume }}
- name: code
  image: {{ index . 1 }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  command:
    - python
    - -c
    - |
      import importlib.util, pathlib, shutil
      for name in ("sightline", "services"):
          source = pathlib.Path(importlib.util.find_spec(name).submodule_search_locations[0])
          # Without the image's bytecode, which Python would run without a look at the source.
          shutil.copytree(source, pathlib.Path("/code") / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
  {{- include "sightline.container" . | nindent 2 }}
  resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {memory: 256Mi}}
  volumeMounts: [{name: code, mountPath: /code}]
{{- end }}
{{- end -}}

{{- define "sightline.dev.mount" -}}
{{- if .Values.dev.codeVolume }}
- {name: code, mountPath: /code}
{{- end }}
{{- end -}}

{{- define "sightline.dev.volume" -}}
{{- if .Values.dev.codeVolume }}
- {name: code, emptyDir: {}}
{{- end }}
{{- end -}}

{{- define "sightline.dev.env" -}}
{{- if .Values.dev.codeVolume }}
- {name: PYTHONPATH, value: /code}
{{- end }}
{{- end -}}
