import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.errors.PolicyViolationException;
import org.apache.kafka.metadata.authorizer.StandardAuthorizer;
import org.apache.kafka.server.authorizer.AclCreateResult;
import org.apache.kafka.server.authorizer.AuthorizableRequestContext;

/** StandardAuthorizer with the limit that clusters of some providers have: no more than `tests.acl.limit` entries. */
public class LimitedAcls extends StandardAuthorizer {
    private int limit;

    @Override
    public void configure(Map<String, ?> configs) {
        super.configure(configs);
        limit = Integer.parseInt(configs.get("tests.acl.limit").toString());
    }

    @Override
    public List<? extends CompletionStage<AclCreateResult>> createAcls(
            AuthorizableRequestContext context, List<AclBinding> bindings) {
        int room = limit;
        for (AclBinding ignored : acls(AclBindingFilter.ANY)) {
            room--;
        }
        int taken = Math.max(0, Math.min(room, bindings.size()));
        List<CompletionStage<AclCreateResult>> results = new ArrayList<>();
        if (taken > 0) {
            results.addAll(super.createAcls(context, bindings.subList(0, taken)));
        }
        for (int number = taken; number < bindings.size(); number++) {
            String refusal = "The maximum number of ACLs, " + limit + ", is reached";
            AclCreateResult refused = new AclCreateResult(new PolicyViolationException(refusal));
            results.add(CompletableFuture.completedFuture(refused));
        }
        return results;
    }
}
