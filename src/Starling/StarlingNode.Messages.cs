using Starling.Net.Messages;

namespace Starling;

/// <content>Messages.</content>
public sealed partial class StarlingNode
{
    /// <summary>Typed messages: register types, subscribe handlers, send to one, some or all neighbours.</summary>
    /// <example><code>
    /// var moods = node.Messages.RegisterValue&lt;Mood&gt;("mood", actions: ["tell", "ask"]);
    /// node.Messages.On(moods, (message, cancelled) => { Console.WriteLine($"{message.Origin}: {message.Value}"); return default; });
    /// var results = await node.Messages.SendAsync(moods.Create(new Mood("fine"), "tell"));
    /// </code></example>
    public MessageService Messages => _parts.Messages;
}
