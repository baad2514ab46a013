using System.Formats.Asn1;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Starling.Net.Transport;

namespace Starling.Net.Tests.Transport.Tls;

public sealed class TlsSecurityTests : IDisposable
{
    private const string Yamux = "/yamux/1.0.0";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly string[] Muxers = [Yamux];

    private readonly ManualClock _clock = new();
    private readonly NodeIdentity _us = NodeIdentity.Generate();
    private readonly NodeIdentity _peer = NodeIdentity.Generate();
    private readonly TlsSecurity _security;

    public TlsSecurityTests() => _security = new TlsSecurity(_us, _clock);

    public static TheoryData<Direction> Sides => [Direction.Outbound, Direction.Inbound];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private TestCertificates Good => new(_peer, _clock.GetUtcNow());

    public void Dispose()
    {
        _security.Dispose();
        _us.Dispose();
        _peer.Dispose();
    }

    [Fact]
    public async Task Both_ends_prove_who_they_are_and_bytes_flow()
    {
        using var other = new TlsSecurity(_peer, _clock);
        var (left, right) = ByteDuplexStream.CreatePair();
        var accepting = other.SecureAsync(right, Direction.Inbound, null, Muxers, Token);
        var dialled = await _security.SecureAsync(left, Direction.Outbound, _peer.PeerId, Muxers, Token).WaitAsync(Patience, Token);
        var accepted = await accepting.WaitAsync(Patience, Token);

        Assert.Equal((_peer.PeerId, Yamux), (dialled.RemotePeer, dialled.Muxer));
        Assert.Equal((_us.PublicKey, Yamux), (accepted.RemoteKey, accepted.Muxer));
        await dialled.Stream.WriteAsync("ping"u8.ToArray(), Token);
        var got = new byte[4];
        await accepted.Stream.ReadExactlyAsync(got, Token).AsTask().WaitAsync(Patience, Token);
        Assert.Equal("ping"u8.ToArray(), got);
    }

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task A_sound_certificate_is_accepted(Direction judge) => Assert.Null(await JudgeAsync(judge, Good.Make()));

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task The_extension_may_be_critical_and_others_may_stand_beside_it(Direction judge) =>
        Assert.Null(await JudgeAsync(judge, Make(c => (c.ExtensionIsCritical, c.Others) = (true, [new X509Extension("1.2.3.4", [5, 0], critical: false)]))));

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task Another_peer_than_the_dialled_one_is_refused(Direction judge)
    {
        using var expected = NodeIdentity.Generate();
        var refusal = await JudgeAsync(judge, Good.Make(), expected: expected.PeerId);

        Assert.Equal(HandshakeFailure.PeerIdMismatch, refusal!.Failure);
        Assert.Contains(_peer.PeerId.ToString(), refusal.Message);
        Assert.Contains(expected.PeerId.ToString(), refusal.Message);
    }

    [Fact]
    public async Task A_client_without_a_certificate_is_refused() =>
        Assert.Equal(HandshakeFailure.CertificateMissing, (await JudgeAsync(Direction.Inbound, null))!.Failure);

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task Two_certificates_are_one_too_many(Direction judge)
    {
        var (leaf, issuer) = Good.MakeTwo();
        Assert.Equal(HandshakeFailure.CertificateChainTooLong, (await JudgeAsync(judge, leaf, [issuer]))?.Failure);
    }

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task An_expired_certificate_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateDates, c => c.Ends = TimeSpan.FromSeconds(-1));

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task A_certificate_of_the_future_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateDates, c => c.Begins = TimeSpan.FromSeconds(2));

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task A_certificate_that_another_key_signed_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateSelfSignature, c => c.SignedByAnotherKey = true);

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task A_certificate_without_the_extension_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateExtension, c => c.Extension = _ => null);

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task An_extension_that_is_no_sequence_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateExtension, c => c.Extension = right => right[1..]);

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task An_extension_with_something_behind_it_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateExtension, c => c.Extension = right => [.. right, 5, 0]);

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task An_extension_with_an_unknown_kind_of_key_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateExtension, c => c.Extension = _ => SignedKey([8, 99, 18, 1, 7], [1]));

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task A_host_key_that_signed_something_else_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateKeySignature, c => c.Signed = right => right["libp2p-tls-handshake:".Length..]);

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task An_empty_host_key_signature_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateKeySignature, c => c.Extension = _ => SignedKey(_peer.PublicKey.Encoded.Span, []));

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task A_critical_extension_that_nobody_knows_is_refused(Direction judge) =>
        await Refused(judge, HandshakeFailure.CertificateCriticalExtension, c => c.Others = [new X509Extension("1.2.3.4", [5, 0], critical: true)]);

    [Theory]
    [MemberData(nameof(Sides))]
    public async Task No_address_in_a_certificate_is_visited(Direction judge)
    {
        using var web = new TcpListener(IPAddress.Loopback, 0);
        web.Start();
        var issuer = new X509AuthorityInformationAccessExtension(null, [$"http://127.0.0.1:{((IPEndPoint)web.LocalEndpoint).Port}/issuer.cer"]);

        Assert.Null(await JudgeAsync(judge, Make(c => c.Others = [issuer])));
        Assert.NotNull(await JudgeAsync(judge, Make(c => (c.Others, c.SignedByAnotherKey) = ([issuer], true))));
        Assert.False(web.Pending());
    }

    [Theory]
    [InlineData(Direction.Outbound, SslProtocols.Tls12)]
    [InlineData(Direction.Inbound, SslProtocols.Tls12)]
    public async Task TLS_below_1_3_is_refused(Direction judge, SslProtocols versions)
    {
        var refusal = await JudgeAsync(judge, Good.Make(), versions: versions);
        Assert.Contains(refusal!.Failure, new[] { HandshakeFailure.Malformed, HandshakeFailure.RefusedByRemote });
    }

    [Theory]
    [InlineData(Direction.Outbound, new[] { Yamux, "libp2p" }, Yamux)]
    [InlineData(Direction.Inbound, new[] { Yamux, "libp2p" }, Yamux)]
    [InlineData(Direction.Outbound, new[] { "libp2p", Yamux }, null)]
    [InlineData(Direction.Inbound, new[] { "libp2p", Yamux }, Yamux)]
    [InlineData(Direction.Inbound, new[] { "/mplex/6.7.0", Yamux, "libp2p" }, Yamux)]
    [InlineData(Direction.Outbound, new[] { "libp2p" }, null)]
    [InlineData(Direction.Inbound, new[] { "libp2p" }, null)]
    [InlineData(Direction.Inbound, new string[0], null)]
    public async Task ALPN_settles_the_muxer_where_it_can(Direction judge, string[] offered, string? muxer)
    {
        var (mine, theirs) = ByteDuplexStream.CreatePair();
        await using var peer = new TlsPeer(theirs) { Certificate = Good.Make(), Alpn = [.. offered] };
        var handshake = peer.HandshakeAsync(Opposite(judge), Token);
        var secure = await _security.SecureAsync(mine, judge, null, Muxers, Token).WaitAsync(Patience, Token);
        await handshake.WaitAsync(Patience, Token);

        Assert.Equal(muxer, secure.Muxer);
    }

    [Fact]
    public async Task A_client_that_offers_only_foreign_protocols_is_refused()
    {
        var (mine, theirs) = ByteDuplexStream.CreatePair();
        await using var peer = new TlsPeer(theirs) { Certificate = Good.Make(), Alpn = ["h2"] };
        var handshake = peer.HandshakeAsync(Direction.Outbound, Token);
        await Assert.ThrowsAsync<HandshakeException>(() => _security.SecureAsync(mine, Direction.Inbound, null, Muxers, Token).WaitAsync(Patience, Token));
        await Assert.ThrowsAsync<AuthenticationException>(() => handshake.WaitAsync(Patience, Token));
    }

    [Fact]
    public async Task A_client_whose_certificate_is_refused_learns_it_by_the_end_of_the_link()
    {
        using var elsewhere = NodeIdentity.Generate();
        using var other = new TlsSecurity(_peer, _clock);
        var (left, right) = ByteDuplexStream.CreatePair();
        var accepting = other.SecureAsync(right, Direction.Inbound, elsewhere.PeerId, Muxers, Token);
        var dialled = await _security.SecureAsync(left, Direction.Outbound, null, Muxers, Token).WaitAsync(Patience, Token);

        await Assert.ThrowsAsync<HandshakeException>(() => accepting.WaitAsync(Patience, Token));
        Assert.Equal(0, await dialled.Stream.ReadAsync(new byte[1], Token).AsTask().WaitAsync(Patience, Token));
    }

    private static Direction Opposite(Direction side) => side == Direction.Outbound ? Direction.Inbound : Direction.Outbound;

    private static byte[] SignedKey(ReadOnlySpan<byte> key, ReadOnlySpan<byte> signature)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            writer.WriteOctetString(key);
            writer.WriteOctetString(signature);
        }

        return writer.Encode();
    }

    private X509Certificate2 Make(Action<TestCertificates> change)
    {
        var certificates = Good;
        change(certificates);
        return certificates.Make();
    }

    private async Task Refused(Direction judge, HandshakeFailure why, Action<TestCertificates> change)
    {
        var refusal = await JudgeAsync(judge, Make(change));
        Assert.Equal(why, refusal?.Failure);
        Assert.NotEmpty(refusal!.Message);
    }

    /// <summary>Lets the security protocol judge a peer that shows the given certificates; null when it accepts.</summary>
    private async Task<HandshakeException?> JudgeAsync(
        Direction judge, X509Certificate2? shown, X509Certificate2Collection? others = null, PeerId? expected = null, SslProtocols versions = SslProtocols.Tls13)
    {
        var (mine, theirs) = ByteDuplexStream.CreatePair();
        await using var peer = new TlsPeer(theirs) { Certificate = shown, Versions = versions };
        if (others is not null) peer.Others.AddRange(others);
        var handshake = peer.HandshakeAsync(Opposite(judge), Token);
        HandshakeException? refusal = null;
        try
        {
            await _security.SecureAsync(mine, judge, expected, Muxers, Token).WaitAsync(Patience, Token);
        }
        catch (HandshakeException e)
        {
            refusal = e;
        }

        await mine.DisposeAsync();
        await handshake.WaitAsync(Patience, Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        shown?.Dispose();
        return refusal;
    }
}
