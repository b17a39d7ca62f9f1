{{/* Certificates of joiners, featurizers and alerting, in the flow's order. */}}

{{/* (list root component): the Secret with tls.crt, tls.key and ca.crt. */}}
{{- define "sightline.tls.secret" -}}
{{- $root := index . 0 -}}
{{- if $root.Values.tls.certManager.enabled -}}
{{ include "sightline.name" (list $root (printf "%s-tls" (index . 1))) }}
{{- else -}}
{{ get $root.Values.tls.existingSecrets (index . 1 | replace "stream-joiner" "streamJoiner") }}
{{- end -}}
{{- end -}}

{{- define "sightline.tls.mount" -}}
{{- if (index . 0).Values.tls.enabled }}
- {name: tls, mountPath: /tls, readOnly: true}
{{- end }}
{{- end -}}

{{- define "sightline.tls.volume" -}}
{{- if (index . 0).Values.tls.enabled }}
- {name: tls, secret: {secretName: {{ include "sightline.tls.secret" . }}}}
{{- end }}
{{- end -}}

{{/* (list root service): the names under which a Service is called. */}}
{{- define "sightline.tls.names" -}}
{{- $namespace := (index . 0).Release.Namespace -}}
{{- $service := index . 1 -}}
- {{ $service }}
- {{ $service }}.{{ $namespace }}
- {{ $service }}.{{ $namespace }}.svc
- {{ $service }}.{{ $namespace }}.svc.cluster.local
{{- end -}}
