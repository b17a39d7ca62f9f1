{{/* How clients reach Kafka: bundled, Strimzi's, or the user's own. */}}

{{- define "sightline.kafka.bootstrap" -}}
{{- if .Values.kafka.enabled -}}
{{ include "sightline.name" (list . "kafka") }}:9092
{{- else if .Values.kafka.strimzi.enabled -}}
{{ include "sightline.name" (list . "kafka") }}-kafka-bootstrap:9093
{{- else -}}
{{ .Values.kafka.external.bootstrapServers }}
{{- end -}}
{{- end -}}

{{/* (list root address-variable prefix): the environment of a client; secrets by reference. */}}
{{- define "sightline.kafka.env" -}}
{{- $root := index . 0 -}}
{{- $prefix := index . 2 -}}
{{- $external := $root.Values.kafka.external -}}
- {name: {{ index . 1 }}, value: {{ include "sightline.kafka.bootstrap" $root | quote }}}
{{- if $root.Values.kafka.enabled }}
{{- else if $root.Values.kafka.strimzi.enabled }}
- {name: {{ $prefix }}SECURITY_PROTOCOL, value: SSL}
- {name: {{ $prefix }}CA, value: /kafka-tls/ca.crt}
- {name: {{ $prefix }}CERTIFICATE, value: /kafka-tls/user.crt}
- {name: {{ $prefix }}KEY, value: /kafka-tls/user.key}
{{- else }}
- {name: {{ $prefix }}SECURITY_PROTOCOL, value: {{ $external.securityProtocol }}}
{{- if hasPrefix "SASL" $external.securityProtocol }}
- {name: {{ $prefix }}SASL_MECHANISM, value: {{ $external.sasl.mechanism }}}
- name: {{ $prefix }}SASL_USERNAME
  valueFrom: {secretKeyRef: {name: {{ $external.sasl.existingSecret }}, key: {{ $external.sasl.usernameKey }}}}
- name: {{ $prefix }}SASL_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $external.sasl.existingSecret }}, key: {{ $external.sasl.passwordKey }}}}
{{- end }}
{{- with $external.tls }}
{{- if and .existingSecret (hasSuffix "SSL" $external.securityProtocol) }}
- {name: {{ $prefix }}CA, value: /kafka-tls/{{ .caKey }}}
{{- if .certificateKey }}
- {name: {{ $prefix }}CERTIFICATE, value: /kafka-tls/{{ .certificateKey }}}
- {name: {{ $prefix }}KEY, value: /kafka-tls/{{ .keyKey }}}
{{- end }}
{{- with .keyPasswordKey }}
- name: {{ $prefix }}KEY_PASSWORD
  valueFrom: {secretKeyRef: {name: {{ $external.tls.existingSecret }}, key: {{ . }}}}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end -}}

{{- define "sightline.kafka.tls" -}}
{{- if and (not .Values.kafka.enabled) (or .Values.kafka.strimzi.enabled .Values.kafka.external.tls.existingSecret) -}}true{{- end -}}
{{- end -}}

{{- define "sightline.kafka.mount" -}}
{{- if include "sightline.kafka.tls" . }}
- {name: kafka-tls, mountPath: /kafka-tls, readOnly: true}
{{- end }}
{{- end -}}

{{- define "sightline.kafka.volume" -}}
{{- if include "sightline.kafka.tls" . }}
- name: kafka-tls
  projected:
    sources:
      {{- if .Values.kafka.strimzi.enabled }}
      - secret: {name: {{ include "sightline.name" (list . "kafka") }}-cluster-ca-cert, items: [{key: ca.crt, path: ca.crt}]}
      - secret:
          name: {{ include "sightline.fullname" . }}
          items: [{key: user.crt, path: user.crt}, {key: user.key, path: user.key}]
      {{- else }}
      - secret: {name: {{ .Values.kafka.external.tls.existingSecret }}}
      {{- end }}
{{- end }}
{{- end -}}

{{/* Egress rule to Kafka. */}}
{{- define "sightline.kafka.egress" -}}
{{- if .Values.kafka.enabled }}
- to: [{podSelector: {matchLabels: {{ include "sightline.selector" (list . "kafka") | fromYaml | toJson }}}}]
  ports: [{port: 9092, protocol: TCP}]
{{- else if .Values.kafka.strimzi.enabled }}
- to: [{podSelector: {matchLabels: {strimzi.io/cluster: {{ include "sightline.name" (list . "kafka") }}, strimzi.io/kind: Kafka}}}]
  ports: [{port: 9093, protocol: TCP}]
{{- else }}
- to: {{- toYaml .Values.networkPolicy.externalKafka.to | nindent 4 }}
  ports:
    {{- $ports := .Values.networkPolicy.externalKafka.ports }}
    {{- if not $ports }}
    {{- range splitList "," .Values.kafka.external.bootstrapServers }}{{ $ports = append $ports (regexFind "[0-9]+$" .) }}{{ end }}
    {{- end }}
    {{- range uniq $ports }}
    - {port: {{ . | int }}, protocol: TCP}
    {{- end }}
{{- end }}
{{- end -}}

{{/* Kafka's address from another namespace (KEDA's). */}}
{{- define "sightline.kafka.address" -}}
{{- if or .Values.kafka.enabled .Values.kafka.strimzi.enabled -}}
{{ include "sightline.kafka.bootstrap" . | replace ":" (printf ".%s.svc:" .Release.Namespace) }}
{{- else -}}
{{ .Values.kafka.external.bootstrapServers }}
{{- end -}}
{{- end -}}
