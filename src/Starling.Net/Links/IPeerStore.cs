using Starling.Protocols.Links;

namespace Starling.Net.Links;

/// <summary>Where a <see cref="PeerBook"/> is kept between two runs. Calls come one at a time.</summary>
public interface IPeerStore
{
    /// <summary>What was saved last; empty when nothing was, or when it was damaged, which the store reports and sets aside.</summary>
    /// <exception cref="StarlingException">Nothing can be kept there; the message says what to do.</exception>
    ValueTask<IReadOnlyList<PeerEntry>> LoadAsync(CancellationToken cancellationToken = default);

    /// <summary>Replaces what was saved: whole, or not at all when it fails or the process dies.</summary>
    /// <exception cref="StarlingException">It cannot be saved; the message says why.</exception>
    ValueTask SaveAsync(IReadOnlyList<PeerEntry> peers, CancellationToken cancellationToken = default);
}
