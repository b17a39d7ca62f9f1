import java.nio.file.Path;
import org.apache.flink.api.common.serialization.SimpleStringSchema;
import org.apache.flink.configuration.CheckpointingOptions;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;

/** BOOTSTRAP EVENTS TABLE SINK PARTITIONS DIRECTORY, as every peer is called. */
record Options(String bootstrap, String events, String table, String sink, int partitions, Path directory) {
    static Options parse(String[] arguments) {
        return new Options(arguments[0], arguments[1], arguments[2], arguments[3], Integer.parseInt(arguments[4]),
                Path.of(arguments[5]));
    }

    /** A mini cluster in this process; objects are not copied between operators, watermarks come every 20 ms. */
    StreamExecutionEnvironment environment() {
        Configuration configuration = new Configuration();
        configuration.set(CheckpointingOptions.CHECKPOINTS_DIRECTORY, directory.resolve("checkpoints").toUri() + "");
        StreamExecutionEnvironment environment = StreamExecutionEnvironment.getExecutionEnvironment(configuration);
        environment.setParallelism(partitions);
        environment.getConfig().enableObjectReuse();
        environment.getConfig().setAutoWatermarkInterval(20);
        return environment;
    }

    KafkaSink<String> sink(int lingerMs) {
        return KafkaSink.<String>builder()
                .setBootstrapServers(bootstrap)
                .setRecordSerializer(KafkaRecordSerializationSchema.<String>builder()
                        .setTopic(sink)
                        .setValueSerializationSchema(new SimpleStringSchema())
                        .build())
                .setDeliveryGuarantee(lingerMs == 0 ? DeliveryGuarantee.NONE : DeliveryGuarantee.AT_LEAST_ONCE)
                .setProperty("linger.ms", lingerMs + "")
                .setProperty("acks", "all")
                .build();
    }
}
