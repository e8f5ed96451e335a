using System.Net;
using FsCheck.Xunit;
using Hyperspace.Libp2p.Keys;
using Hyperspace.Libp2p.MulticastDns;
using Hyperspace.Libp2p.Multiformats;

namespace Hyperspace.Tests.Libp2p.MulticastDns;

public class DnsMessageTests
{
    private const string Service = "_p2p._udp.local";
    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly IPAddress Source = IPAddress.Parse("192.168.1.9");

    [Fact]
    public void A_message_is_read_as_it_was_written()
    {
        var message = new DnsMessage(
            true,
            [new DnsQuestion(Service, DnsType.Pointer)],
            [DnsRecord.Pointer(Service, 120, "abc." + Service)],
            [DnsRecord.Text("abc." + Service, 4_000_000_000, ["one", "", new string('x', 255)])]);
        var read = DnsReader.Read(DnsWriter.Write(message));
        Assert.Equal((message.IsResponse, message.Questions[0]), (read.IsResponse, Assert.Single(read.Questions)));
        Assert.Equal(("abc." + Service, 120u), (Assert.Single(read.Answers).Target, read.Answers[0].Ttl));
        Assert.Equal(message.Additionals[0].Texts, Assert.Single(read.Additionals).Texts);
        Assert.Equal(4_000_000_000, read.Additionals[0].Ttl);
    }

    [Fact]
    public void The_query_has_the_bytes_that_the_standard_says()
    {
        var peer = New(1);
        Assert.Equal("000000000001000000000000045F703270045F756470056C6F63616C00000C0001", Convert.ToHexString(new MdnsResponder(peer, Service, "a").Query()));
    }

    [Fact]
    public void Compressed_names_are_read_and_pointers_that_go_round_or_forward_are_refused()
    {
        // The second record's name and the target of the first point to the question's name.
        var message = Convert.FromHexString("000084000001000200000000" + "045F703270045F756470056C6F63616C00000C0001" + "C00C000C000100000078" + "0004" + "0161C00C" + "C02D0010000100000078" + "0003" + "026869");
        var read = DnsReader.Read(message);
        Assert.Equal("a." + Service, read.Answers[0].Target);
        Assert.Equal(("a." + Service, "hi"), (read.Answers[1].Name, Assert.Single(read.Answers[1].Texts)));
        foreach (var bad in (string[])["C00C", "C00E0000", "0161C00C", "C0FF", "0161C010C00C", "40" + "00", "80", "3F61"])
        {
            Assert.Throws<DnsException>(() => DnsReader.Read(Convert.FromHexString("000000000001000000000000" + bad + "000C0001")));
        }
    }

    [Property(MaxTest = 1000)]
    public bool Whatever_bytes_come_there_is_a_message_or_the_protocols_error(byte[] bytes, ushort questions, ushort answers)
    {
        byte[] header = [0, 0, 0x84, 0, (byte)(questions >> 12), (byte)(questions % 4), 0, (byte)(answers % 8), 0, 0, 0, 0];
        foreach (var message in (byte[][])[bytes, [.. header, .. bytes]])
        {
            try
            {
                DnsReader.Read(message);
            }
            catch (DnsException)
            {
                // As it should.
            }
        }

        return true;
    }

    [Property(MaxTest = 300)]
    public bool A_changed_or_cut_answer_is_read_or_refused(ushort at, byte value)
    {
        var peer = New(1);
        var responder = new MdnsResponder(peer, Service, "a");
        responder.Receive(responder.Query(), Source);
        var answer = responder.Answer([Multiaddr.Parse("/ip4/192.168.1.2/tcp/4001")], Start)!;
        var cut = answer.AsSpan(0, at % answer.Length).ToArray();
        answer[at % answer.Length] = value;
        foreach (var message in (byte[][])[answer, cut])
        {
            try
            {
                new MdnsResponder(New(2), Service, "b").Receive(message, Source);
            }
            catch (DnsException)
            {
                // As it should.
            }
        }

        return true;
    }

    [Fact]
    public void A_peer_answers_questions_once_a_second_and_the_others_learn_its_addresses()
    {
        var (us, them) = (New(1), New(2));
        var responder = new MdnsResponder(us, Service, "a");
        Multiaddr[] listening = [.. new[] { "/ip4/192.168.1.2/tcp/4001", "/ip4/8.8.8.8/tcp/4001", "/ip6/fe80::1/tcp/4001" }.Select(Multiaddr.Parse)];
        Assert.Null(responder.Answer(listening, Start));
        var asker = new MdnsResponder(them, Service, "b");
        Assert.Empty(responder.Receive(asker.Query(), Source));
        var answer = responder.Answer(listening, Start)!;
        var found = Assert.Single(asker.Receive(answer, Source));
        Assert.Equal(us, found.Peer);
        Assert.Equal([listening[0], listening[2]], found.Addresses);
        Assert.Empty(responder.Receive(answer, Source));

        responder.Receive(asker.Query(), Source);
        Assert.Equal(Start.AddSeconds(1), responder.AnswerDue);
        Assert.Null(responder.Answer(listening, Start.AddSeconds(0.5)));
        Assert.NotNull(responder.Answer(listening, Start.AddSeconds(1)));
        Assert.Null(responder.AnswerDue);
    }

    [Fact]
    public void Addresses_out_on_the_internet_are_believed_only_of_their_own_host()
    {
        var (us, them) = (New(1), New(2));
        var answer = DnsWriter.Write(new DnsMessage(
            true,
            [],
            [DnsRecord.Pointer(Service, 120, "a." + Service), DnsRecord.Text("a." + Service, 120, [$"dnsaddr=/ip4/8.8.8.8/tcp/1/p2p/{them}", $"dnsaddr=/ip4/10.0.0.1/tcp/1/p2p/{them}", "dnsaddr=nonsense", "other=1"])],
            [DnsRecord.Text("b." + Service, 120, [$"dnsaddr=/ip4/10.0.0.2/tcp/1/p2p/{them}"])]));
        var responder = new MdnsResponder(us, Service, "c");
        Assert.Equal(["/ip4/10.0.0.1/tcp/1"], Assert.Single(responder.Receive(answer, Source)).Addresses.Select(a => a.ToString()));
        Assert.Equal(2, Assert.Single(responder.Receive(answer, IPAddress.Parse("8.8.8.8"))).Addresses.Count);
        Assert.Empty(new MdnsResponder(us, "_other._udp.local", "c").Receive(answer, Source));
    }

    private static Hyperspace.Libp2p.PeerId New(byte seed)
    {
        var bytes = new byte[32];
        bytes[0] = seed;
        using var keys = KeyPair.FromSeed(bytes);
        return keys.PeerId;
    }
}
