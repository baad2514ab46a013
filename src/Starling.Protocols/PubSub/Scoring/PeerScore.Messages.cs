namespace Starling.Protocols.PubSub.Scoring;

/// <summary>Meshes and messages: P₁ to P₄.</summary>
public sealed partial class PeerScore
{
    /// <summary>A neighbour is in the mesh of a topic from now on.</summary>
    public void Graft(PeerId peer, string topic, Instant now) => Of(peer, topic)?.Graft(now);

    /// <summary>A neighbour is no longer in the mesh of a topic. What it fell short of stays with it (P₃b).</summary>
    public void Prune(PeerId peer, string topic) => Of(peer, topic)?.Prune();

    /// <summary>A new message is being validated. Copies that come meanwhile share its verdict.</summary>
    public void Validate(MessageId id, Instant now) => _deliveries.Ensure(id, now);

    /// <summary>A message was found valid, after <see cref="Validate"/> or at once. Its first bringer is rewarded (P₂, P₃), and mesh neighbours whose copies came meanwhile (P₃).</summary>
    public void Deliver(PeerId from, MessageId id, string topic, Instant now)
    {
        var delivery = _deliveries.Ensure(id, now);
        if (delivery.State != DeliveryState.Open) return;
        delivery.State = DeliveryState.Valid;
        delivery.ValidAt = now;
        Of(from, topic)?.CountFirst();
        foreach (var sender in delivery.Senders)
        {
            if (!sender.Equals(from)) Of(sender, topic)?.CountInMesh();
        }

        if (!delivery.HasSender(from)) delivery.AddSender(from);
    }

    /// <summary>A message was not taken.</summary>
    public void Reject(PeerId from, MessageId id, string topic, ScoreRejection why, Instant now)
    {
        if (why == ScoreRejection.Unauthentic)
        {
            Of(from, topic)?.CountInvalid();
            return;
        }

        var delivery = _deliveries.Ensure(id, now);
        if (delivery.State != DeliveryState.Open) return;
        delivery.State = why == ScoreRejection.Invalid ? DeliveryState.Invalid : DeliveryState.Ignored;
        if (why == ScoreRejection.Invalid)
        {
            Of(from, topic)?.CountInvalid();
            foreach (var sender in delivery.Senders)
            {
                if (!sender.Equals(from)) Of(sender, topic)?.CountInvalid();
            }
        }

        delivery.ForgetSenders();
    }

    /// <summary>Another copy of a message came.</summary>
    /// <remarks>While it is being validated the bringer shares the verdict; soon after it was found valid it counts for a mesh neighbour (P₃), each one once; after it was
    /// found invalid every copy counts against its bringer (P₄). Copies of messages that are no longer remembered count nothing.</remarks>
    public void Duplicate(PeerId from, MessageId id, string topic, Instant now)
    {
        if (_deliveries.Find(id) is not { } delivery) return;
        switch (delivery.State)
        {
            case DeliveryState.Open:
                Remember(delivery, from);
                break;
            case DeliveryState.Valid:
                if (!Remember(delivery, from) || Of(from, topic) is not { } counters) break;
                if (now - delivery.ValidAt <= counters.Options.MeshMessageDeliveriesWindow) counters.CountInMesh();
                break;
            case DeliveryState.Invalid:
                Of(from, topic)?.CountInvalid();
                break;
        }
    }

    private bool Remember(Delivery delivery, PeerId from)
    {
        if (delivery.HasSender(from)) return false;
        if (delivery.Senders.Count >= _options.MaxSendersPerDelivery)
        {
            Counters.CountSenderOver();
            return false;
        }

        delivery.AddSender(from);
        return true;
    }
}
