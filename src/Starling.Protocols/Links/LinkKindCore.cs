namespace Starling.Protocols.Links;

/// <summary>What a <see cref="LinkKindCore"/> asks of its shell.</summary>
public abstract record LinkKindEffect
{
    private LinkKindEffect()
    {
    }

    /// <summary>Send this to the other end, in order.</summary>
    /// <param name="Frame">The message.</param>
    public sealed record Send(LinkFrame Frame) : LinkKindEffect;

    /// <summary>The link is of another kind now.</summary>
    /// <param name="Kind">The new kind.</param>
    public sealed record Changed(LinkKind Kind) : LinkKindEffect;

    /// <summary>This end's proposal is answered.</summary>
    /// <param name="Accepted">Whether the link became what was proposed.</param>
    /// <param name="Text">Why not, for people.</param>
    public sealed record Answered(bool Accepted, string Text) : LinkKindEffect;
}

/// <summary>Agrees with the other end on the kind of one link.</summary>
/// <remarks>
/// <para>Either end proposes, the other accepts or refuses, and each has at most one open proposal. When proposals cross, the
/// one of the end with the smaller peer id comes first: that end answers the other's only when its own has been answered.
/// So both ends go through the same kinds in the same order, and they agree whenever nothing is under way.</para>
/// <para>The two directions must each keep their order. Not safe for several threads.</para>
/// </remarks>
/// <param name="goesFirst">Whether this end has the smaller peer id.</param>
/// <param name="kind">The kind that both ends begin with.</param>
public sealed class LinkKindCore(bool goesFirst, LinkKind kind)
{
    private LinkKind? _own;
    private LinkKind? _held;

    /// <summary>The kind that the link is of now.</summary>
    public LinkKind Kind { get; private set; } = kind;

    /// <summary>Whether this end has a proposal that is not answered.</summary>
    public bool IsProposing => _own is not null;

    /// <summary>This end wants another kind.</summary>
    /// <exception cref="InvalidOperationException">It has an open proposal.</exception>
    public void Propose(LinkKind wanted, ICollection<LinkKindEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(effects);
        if (_own is not null) throw new InvalidOperationException("There is an open proposal; wait for its answer.");
        _own = wanted;
        effects.Add(new LinkKindEffect.Send(new LinkFrame.Proposal(wanted)));
    }

    /// <summary>A message of the other end has come. Those that are no business of this core change nothing.</summary>
    /// <param name="frame">The message.</param>
    /// <param name="refuse">Says why this end refuses a kind, or null.</param>
    /// <param name="effects">Receives what to do.</param>
    /// <returns>False when the other end broke the protocol: it answered nothing, or proposed while a proposal was open.</returns>
    public bool Receive(LinkFrame frame, Func<LinkKind, string?> refuse, ICollection<LinkKindEffect> effects)
    {
        ArgumentNullException.ThrowIfNull(refuse);
        ArgumentNullException.ThrowIfNull(effects);
        switch (frame)
        {
            case LinkFrame.Proposal when _held is not null:
                return false;
            case LinkFrame.Proposal proposal when goesFirst && _own is not null:
                _held = proposal.Kind;
                return true;
            case LinkFrame.Proposal proposal:
                Judge(proposal.Kind, refuse, effects);
                return true;
            case LinkFrame.Answer when _own is null:
                return false;
            case LinkFrame.Answer answer:
                var proposed = _own.Value;
                _own = null;
                if (answer.Accepted) Change(proposed, effects);
                effects.Add(new LinkKindEffect.Answered(answer.Accepted, answer.Text));
                if (_held is { } held)
                {
                    _held = null;
                    Judge(held, refuse, effects);
                }

                return true;
            default:
                return true;
        }
    }

    private void Judge(LinkKind wanted, Func<LinkKind, string?> refuse, ICollection<LinkKindEffect> effects)
    {
        var why = wanted == Kind ? null : refuse(wanted);
        if (why is null) Change(wanted, effects);
        effects.Add(new LinkKindEffect.Send(new LinkFrame.Answer(why is null, why ?? "")));
    }

    private void Change(LinkKind next, ICollection<LinkKindEffect> effects)
    {
        if (next == Kind) return;
        Kind = next;
        effects.Add(new LinkKindEffect.Changed(next));
    }
}
