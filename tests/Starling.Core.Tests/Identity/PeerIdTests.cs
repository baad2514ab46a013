namespace Starling.Core.Tests.Identity;

public sealed class PeerIdTests
{
    [Fact]
    public void Both_text_forms_of_the_spec_name_the_same_peer()
    {
        var legacy = PeerId.Parse("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N");
        var cid = PeerId.Parse("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe");
        Assert.True(legacy == cid);
        Assert.Equal(legacy.GetHashCode(), cid.GetHashCode());
        Assert.Equal("QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N", cid.ToString());
        Assert.Equal("bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe", legacy.ToCid());
        Assert.False(legacy.TryGetInlineKey(out _));
    }

    [Fact]
    public void Ed25519_ids_carry_their_key()
    {
        var id = PeerId.Parse("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA");
        Assert.True(id.TryGetInlineKey(out var key));
        Assert.Equal(KeyType.Ed25519, key.Type);
        Assert.Equal(id, key.ToPeerId());
        Assert.Equal("12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA", id.ToString());
        Assert.Equal(id, PeerId.Parse(id.ToCid()));
    }
}
