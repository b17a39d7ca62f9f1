import java.nio.file.Path;
import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.state.BuiltInDslStoreSuppliers;

/** BOOTSTRAP EVENTS TABLE SINK PARTITIONS DIRECTORY, as every peer is called, and close or update. */
record Options(String bootstrap, String events, String table, String sink, int partitions, Path directory,
        boolean closes) {
    static Options parse(String[] arguments) {
        return new Options(arguments[0], arguments[1], arguments[2], arguments[3], Integer.parseInt(arguments[4]),
                Path.of(arguments[5]), arguments[6].equals("close"));
    }

    /** At-least-once, state in memory with changelogs, one thread a partition. */
    Properties common(String application) {
        Properties properties = new Properties();
        properties.put(StreamsConfig.APPLICATION_ID_CONFIG, application);
        properties.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        properties.put(StreamsConfig.STATE_DIR_CONFIG, directory.toString());
        properties.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, partitions);
        properties.put(StreamsConfig.DSL_STORE_SUPPLIERS_CLASS_CONFIG,
                BuiltInDslStoreSuppliers.InMemoryDslStoreSuppliers.class);
        properties.put(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG, "earliest");
        properties.put(ProducerConfig.ACKS_CONFIG, "all");
        return properties;
    }

    /** Few, large requests; windows are looked at ten times a second instead of once. */
    Properties throughput(String application) {
        Properties properties = common(application);
        properties.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000);
        properties.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 8 << 20);
        properties.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 20_000);
        properties.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, 5_000);
        properties.put(ProducerConfig.LINGER_MS_CONFIG, 5);
        properties.put(ProducerConfig.BATCH_SIZE_CONFIG, 256 << 10);
        properties.put(ProducerConfig.COMPRESSION_TYPE_CONFIG, "lz4");
        properties.put(StreamsConfig.InternalConfig.EMIT_INTERVAL_MS_KSTREAMS_WINDOWED_AGGREGATION, 100L);
        return properties;
    }

    /** Nothing waits for company. */
    Properties latency(String application) {
        Properties properties = common(application);
        properties.put(ProducerConfig.LINGER_MS_CONFIG, 0);
        properties.put(ConsumerConfig.FETCH_MIN_BYTES_CONFIG, 1);
        return properties;
    }

    static void run(Topology topology, Properties properties) {
        KafkaStreams streams = new KafkaStreams(topology, properties);
        Runtime.getRuntime().addShutdownHook(new Thread(() -> streams.close(Duration.ofSeconds(10))));
        streams.start();
    }
}
