{{/* True where the test waits at alerting's stream, as users do; else in the topic: one pod of several may have the alert,
and the command speaks no TLS to alerting. */}}
{{- define "sightline.test.subscribes" -}}
{{- if and (eq (int .Values.alerting.replicas) 1) (not .Values.tls.enabled) }}true{{ end -}}
{{- end -}}
