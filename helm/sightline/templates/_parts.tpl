{{/* Objects that are alike for every component. */}}

{{/* (list root component values): no rights, and no token in the pods. */}}
{{- define "sightline.serviceaccount" -}}
{{- $root := index . 0 -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "sightline.name" (list $root (index . 1)) }}
  labels: {{- include "sightline.labels" (list $root (index . 1)) | nindent 4 }}
  {{- with (index . 2).serviceAccount }}{{ with .annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}{{ end }}
automountServiceAccountToken: false
{{- end -}}

{{/* (list root component): `job` is the component, the pool becomes the label sightline_dev_pool. */}}
{{- define "sightline.servicemonitor" -}}
{{- $root := index . 0 -}}
{{- $monitors := $root.Values.monitoring.serviceMonitors -}}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  name: {{ include "sightline.name" (list $root (index . 1)) }}
  labels:
    {{- include "sightline.labels" . | nindent 4 }}
    {{- with $monitors.labels }}{{ toYaml . | nindent 4 }}{{ end }}
spec:
  jobLabel: app.kubernetes.io/component
  targetLabels: [sightline.dev/pool]
  selector:
    matchLabels: {{- include "sightline.selector" . | nindent 6 }}
  endpoints: [{port: http, interval: {{ $monitors.interval }}}]
{{- end -}}

{{/* (list root scaling kind name component) */}}
{{- define "sightline.hpa" }}
{{- $scaling := index . 1 }}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: {{ index . 3 }}
  labels: {{- include "sightline.labels" (list (index . 0) (index . 4)) | nindent 4 }}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: {{ index . 2 }}, name: {{ index . 3 }}}
  minReplicas: {{ $scaling.minReplicas }}
  maxReplicas: {{ $scaling.maxReplicas }}
  metrics:
    {{- if $scaling.hpa.metrics }}
    {{- toYaml $scaling.hpa.metrics | nindent 4 }}
    {{- else }}
    - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: {{ $scaling.hpa.cpuPercent }}}}}
    {{- end }}
{{- end -}}

{{/* Ingress rule for Prometheus. */}}
{{- define "sightline.scraped" -}}
{{- with .Values.networkPolicy.metrics.from }}
- from: {{- toYaml . | nindent 4 }}
  ports: [{port: 8080, protocol: TCP}]
{{- end }}
{{- end -}}

{{/* (list root component): policy of a component that only calls Kafka. */}}
{{- define "sightline.networkpolicy.client" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  name: {{ include "sightline.name" . }}
  labels: {{- include "sightline.labels" . | nindent 4 }}
spec:
  podSelector:
    matchLabels: {{- include "sightline.selector" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  egress:
    {{- with include "sightline.kafka.egress" (index . 0) }}{{ . | trim | nindent 4 }}{{ end }}
{{- end -}}
