using Starling.Net.Messages;
using Starling.Net.PubSub;
using Starling.Net.Spread;

namespace Starling;

/// <summary>What a node hands on for others, in one place: topics, what spreads, messages. Whatever is switched off, the node still receives, delivers and sends its own. Safe for several threads.</summary>
public sealed class NodeRelay
{
    private readonly Lock _gate = new();
    private readonly PubSubService _topics;
    private readonly SpreadService _spread;
    private readonly MessageService _messages;
    private (bool Topics, bool Spread, bool Messages) _wanted;
    private bool _enabled = true;

    internal NodeRelay(PubSubService topics, SpreadService spread, MessageService messages) => (_topics, _spread, _messages) = (topics, spread, messages);

    /// <summary>Whether anything is handed on at all. Default true. Switching it on again brings back what was on before.</summary>
    public bool Enabled
    {
        get
        {
            lock (_gate) return _enabled;
        }

        set
        {
            lock (_gate)
            {
                if (_enabled == value) return;
                _enabled = value;
                if (!value) _wanted = (_topics.HandsOn, _spread.Relay, _messages.Forwarder.Enabled);
                (_topics.HandsOn, _spread.Relay, _messages.Forwarder.Enabled) = value ? _wanted : default;
            }
        }
    }

    /// <summary>Whether messages of followed and relayed topics are handed on. Default true.</summary>
    /// <remarks>A node that follows topics and does not hand them on makes a hole in the mesh of its neighbours; where they score each other, it counts as one that fails to deliver.</remarks>
    public bool Topics
    {
        get => Get(() => _topics.HandsOn, wanted => wanted.Topics);
        set => Set(() => _topics.HandsOn = value, wanted => wanted with { Topics = value });
    }

    /// <summary>Whether what others spread is handed on. Default <c>Spread:Relay</c>, true.</summary>
    public bool Spread
    {
        get => Get(() => _spread.Relay, wanted => wanted.Spread);
        set => Set(() => _spread.Relay = value, wanted => wanted with { Spread = value });
    }

    /// <summary>Whether messages of others are handed on. Default <c>Messages:Forwarder:Enabled</c>, false.</summary>
    public bool Messages
    {
        get => Get(() => _messages.Forwarder.Enabled, wanted => wanted.Messages);
        set => Set(() => _messages.Forwarder.Enabled = value, wanted => wanted with { Messages = value });
    }

    /// <summary>The topics that are relayed although this node need not follow them.</summary>
    public IReadOnlyList<Topic> RelayedTopics => _topics.RelayedTopics;

    /// <summary>The kinds of spread that were chosen by <see cref="SetSpread"/>, by number; the others follow their registration.</summary>
    public IReadOnlyDictionary<uint, bool> SpreadKinds => _spread.RelayChoices;

    /// <summary>The types of messages that were chosen by <see cref="SetMessages"/>; the others follow their registration.</summary>
    public IReadOnlyDictionary<string, bool> MessageTypes => _messages.Forwarder.RelayChoices;

    /// <inheritdoc cref="PubSubService.Relay"/>
    public IDisposable AddTopic(Topic topic) => _topics.Relay(topic);

    /// <inheritdoc cref="SpreadService.SetRelay"/>
    public void SetSpread(SpreadKind kind, bool? relay)
    {
        ArgumentNullException.ThrowIfNull(kind);
        _spread.SetRelay(kind.Number, relay);
    }

    /// <inheritdoc cref="Forwarder.SetRelay"/>
    public void SetMessages(string type, bool? relay) => _messages.Forwarder.SetRelay(type, relay);

    private bool Get(Func<bool> live, Func<(bool Topics, bool Spread, bool Messages), bool> kept)
    {
        lock (_gate) return _enabled ? live() : kept(_wanted);
    }

    private void Set(Action live, Func<(bool Topics, bool Spread, bool Messages), (bool Topics, bool Spread, bool Messages)> kept)
    {
        lock (_gate)
        {
            if (_enabled) live();
            else _wanted = kept(_wanted);
        }
    }
}
