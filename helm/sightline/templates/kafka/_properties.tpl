{{- define "sightline.kafka.properties" -}}
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@localhost:9093
controller.listener.names=CONTROLLER
# CLIENTS for pods, by the Service's name and so an address that outlives the pod. FORWARD for `kubectl port-forward`,
# and for the broker's own calls to itself (transactions), which then don't leave the pod.
listeners=CLIENTS://:9092,CONTROLLER://localhost:9093,FORWARD://localhost:19092
advertised.listeners=CLIENTS://{{ include "sightline.name" (list . "kafka") }}.{{ .Release.Namespace }}.svc:9092,FORWARD://localhost:19092
listener.security.protocol.map=CLIENTS:PLAINTEXT,CONTROLLER:PLAINTEXT,FORWARD:PLAINTEXT
inter.broker.listener.name=FORWARD
# Not the volume's root: there may be a lost+found, which is no partition.
log.dirs=/data/kafka
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
# A service that joins starts at once, and one that is gone is noticed within its own session time-out.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# A broker that was killed is known until its session ends, and its successor waits for that. A heartbeat that the
# controller does not get to within half of the interval is refused, so on a busy machine it must not be short.
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
message.max.bytes=33554432
log.cleaner.dedupe.buffer.size=2097152
{{- range $key, $value := .Values.kafka.config }}
{{ $key }}={{ include "sightline.text" $value }}
{{- end }}
{{- end -}}
