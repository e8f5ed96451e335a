using System.Buffers;
using System.Text;
using Hyperspace.Libp2p.Multistream;

namespace Hyperspace.Tests.Libp2p.Multistream;

public class MultistreamTests
{
    [Fact]
    public void The_dialer_sends_header_and_first_proposal_together_in_the_wire_form()
    {
        var start = new MultistreamDialer(["/noise"]).Start();
        Assert.Equal("\u0013/multistream/1.0.0\n\u0007/noise\n", Encoding.UTF8.GetString(start.Span));
    }

    [Fact]
    public void Dialer_and_listener_settle_on_the_first_protocol_that_both_speak()
    {
        var dialer = new MultistreamDialer(["/a/1", "/b/1", "/c/1"]);
        var listener = new MultistreamListener(p => p is "/b/1" or "/c/1");
        Assert.Equal(("/b/1", "/b/1"), Run(dialer, listener));
    }

    [Fact]
    public void A_dialer_whose_proposals_are_all_refused_says_which()
    {
        var error = Assert.Throws<MultistreamException>(() => Run(new MultistreamDialer(["/a/1", "/b/1"]), new MultistreamListener(_ => false)));
        Assert.Contains("/a/1, /b/1", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\u0013/multistream/1.0.0\n\u0007/other\n")]
    [InlineData("\u0013/multistream/2.0.0\n")]
    [InlineData("\u0006/noise")]
    [InlineData("\u0000")]
    public void A_dialer_refuses_answers_that_are_none(string answer)
    {
        var dialer = new MultistreamDialer(["/noise"]);
        dialer.Start();
        Assert.Throws<MultistreamException>(() => Feed(dialer, Encoding.UTF8.GetBytes(answer)));
    }

    [Fact]
    public void A_token_of_1024_bytes_is_read_and_a_longer_one_refused_at_its_length()
    {
        var longest = "/" + new string('x', MultistreamToken.MaxLength - 2);
        Assert.Equal((longest, longest), Run(new MultistreamDialer([longest]), new MultistreamListener(p => p == longest)));
        Assert.Throws<ArgumentException>(() => new MultistreamDialer([longest + "x"]).Start());
        Assert.Throws<MultistreamException>(() => Feed(new MultistreamListener(_ => true), [0x81, 0x08]));
    }

    [Fact]
    public void A_listener_answers_only_so_many_proposals()
    {
        var writer = new ArrayBufferWriter<byte>();
        MultistreamToken.Write(writer, MultistreamNegotiation.Header);
        for (var i = 0; i < MultistreamListener.MaxProposals; i++)
        {
            MultistreamToken.Write(writer, $"/p/{i}");
        }

        Assert.Throws<MultistreamException>(() => Feed(new MultistreamListener(_ => false), writer.WrittenSpan));
    }

    [Fact]
    public void Random_and_mutated_bytes_raise_only_the_protocols_own_error()
    {
        var random = new Random(2);
        var good = new MultistreamDialer(["/noise", "/x"]).Start().ToArray();
        for (var i = 0; i < 20_000; i++)
        {
            byte[] bytes;
            if (i % 2 == 0)
            {
                bytes = new byte[random.Next(1, 64)];
                random.NextBytes(bytes);
            }
            else
            {
                bytes = [.. good];
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            MultistreamNegotiation side = random.Next(2) == 0 ? new MultistreamListener(p => p == "/noise") : new MultistreamDialer(["/noise"]);
            try
            {
                Feed(side, bytes);
            }
            catch (MultistreamException)
            {
                // The one error that it may raise.
            }
        }
    }

    private static (string Dialer, string Listener) Run(MultistreamNegotiation dialer, MultistreamNegotiation listener)
    {
        string? dialed = null;
        string? listened = null;
        var toListener = dialer.Start().ToArray();
        while (dialed is null || listened is null)
        {
            var (answer, l) = Feed(listener, toListener);
            listened ??= l;
            (toListener, dialed) = Feed(dialer, answer);
        }

        return (dialed, listened);
    }

    private static (byte[] Send, string? Selected) Feed(MultistreamNegotiation side, ReadOnlySpan<byte> bytes)
    {
        var send = new List<byte>();
        while (bytes.Length > 0)
        {
            // One byte less than wanted at times: pieces may be of any size.
            var take = Math.Min(bytes.Length, Math.Max(1, side.Wanted - bytes.Length % 2));
            var step = side.Receive(bytes[..take]);
            bytes = bytes[take..];
            send.AddRange(step.Send.ToArray());
            if (step.Selected is not null)
            {
                Assert.Equal(0, bytes.Length);
                return ([.. send], step.Selected);
            }
        }

        return ([.. send], null);
    }
}
