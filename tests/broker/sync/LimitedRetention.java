import java.util.Map;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.server.policy.AlterConfigPolicy;

/** The rule of a provider that nobody keeps records for longer than `tests.retention.limit.ms`. */
public class LimitedRetention implements AlterConfigPolicy {
    private long limit;

    @Override
    public void configure(Map<String, ?> configs) {
        limit = Long.parseLong(configs.get("tests.retention.limit.ms").toString());
    }

    @Override
    public void validate(RequestMetadata request) {
        String asked = request.configs().get("retention.ms");
        if (asked != null && Long.parseLong(asked) > limit) {
            throw new PolicyViolationException("retention.ms above " + limit + " is not for everybody");
        }
    }

    @Override
    public void close() {}
}
