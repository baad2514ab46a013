using Starling.Net.PubSub;

namespace Starling;

/// <content>Validators of topics.</content>
public sealed partial class StarlingNode
{
    /// <inheritdoc cref="PubSubService.Validate"/>
    /// <example><code>using var judged = node.Validate("prices.>", (message, _) => ValueTask.FromResult(message.Data.Length == 8 ? PubSubVerdict.Accept : PubSubVerdict.Reject));</code></example>
    public IDisposable Validate(Topic topic, TopicValidator validator) => _parts.Topics.Validate(topic, validator);
}
