{{/* True where the test waits at alerting's stream, as users do; else in the topic: one pod of several has the alert. */}}
{{- define "sightline.test.subscribes" -}}
{{- if eq (int .Values.alerting.replicas) 1 }}true{{ end -}}
{{- end -}}
