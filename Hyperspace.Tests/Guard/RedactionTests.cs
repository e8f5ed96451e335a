using System.Text;
using FsCheck.Xunit;
using Hyperspace.Actors.Guard;
using Hyperspace.Actors.SelfImproving;
using Hyperspace.Contracts.SelfImproving;
using Hyperspace.Tests.SelfImproving;

namespace Hyperspace.Tests.Guard;

public class RedactionTests
{
    private const string Seed = "legal winner thank year wave sausage worth useful legal winner thank yellow";

    /// <summary>Pieces of secrets and of what stands around them.</summary>
    private static readonly string[] Fragments =
    [
        "jane@example.org", "Bearer abcdef0123456789", "Authorization: ", "Basic dXNlcjpwYXNz", "Cookie: ", "a=b; c=d", "password=", "\"secret\": \"", "hunter2", "4111 1111 1111 1111",
        "DE89 3704 0044 0532 0130 00", "+49 170 1234567", "(555) 123-4567", "192.168.1.10", "fe80::1", "/home/", "jane", "C:\\Users\\", "https://", "user:pass@", "host/?token=", "sk-ABCDEF0123456789abcd",
        "mnemonic: ", Seed, "token", "--", "--token ", "-u ", "_PROD", "\",\"", "\\\"", "(x)", "`", ",", ";", "=> ", "jane:pw", "9f8e7d6c5b4a39281706", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.sig", "[redacted:secret]", "[redacted:user]", "\n", " ", "\"", "'", "\\", "/", ":", "=", "&", "?", "@", ".", "-", "+", "1", "x", "]", "[",
    ];

    [Theory]
    [InlineData("write to jane.doe+x@mail.example.org now", "write to [redacted:email] now")]
    [InlineData("Authorization: Bearer abcdef0123456789", "Authorization: Bearer [redacted:token]")]
    [InlineData("Authorization: Basic dXNlcjpwYXNz\nAccept: */*", "Authorization: Basic [redacted:token]\nAccept: */*")]
    [InlineData("""{"Authorization":"Basic dXNlcjpwYXNz","Accept":"*"}""", """{"Authorization":"Basic [redacted:token]","Accept":"*"}""")]
    [InlineData("Authorization: Digest username=\"jane\", response=\"6629\"\nHost: x", "Authorization: Digest [redacted:token]\nHost: x")]
    [InlineData("x-api-key: 9f8e7d", "x-api-key: [redacted:token]")]
    [InlineData("Set-Cookie: sid=31d4d96e; Path=/; HttpOnly\nVary: x", "Set-Cookie: [redacted:cookie]\nVary: x")]
    [InlineData("""{"cookie":"sid=31d4; theme=dark","a":1}""", """{"cookie":"[redacted:cookie]","a":1}""")]
    [InlineData("key sk-proj-ABCDEF0123456789abcdef ok", "key [redacted:api-key] ok")]
    [InlineData("AKIAIOSFODNN7EXAMPLE", "[redacted:api-key]")]
    [InlineData("hf_abcdefghijklmnopqrst, npm_abcdefghijklmnopqrst", "[redacted:api-key], [redacted:api-key]")]
    [InlineData("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG", "aws_secret_access_key = [redacted:secret]")]
    [InlineData("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3", "jwt [redacted:token]")]
    [InlineData("""{"password":"hunter 2","mode":"any"}""", """{"password":"[redacted:secret]","mode":"any"}""")]
    [InlineData("api_key=12345&x=1", "api_key=[redacted:secret]")]
    [InlineData("postgres://jane:pa55@db.example.org/x", "postgres://[redacted:credentials]@db.example.org/x")]
    [InlineData("https://example.org/a?token=abc&b=1#c", "https://example.org/a?token=[redacted:secret]&b=1#c")]
    [InlineData("https://example.org/a?b=1&X-Amz-Signature=0f9e", "https://example.org/a?b=1&X-Amz-Signature=[redacted:secret]")]
    [InlineData("-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----", "[redacted:private-key]")]
    [InlineData("private key: 0x4c0883a69102937d6231471b5dbb6204fe512961708279f2e3e8a5d4b8e3e3e3", "private key: [redacted:secret]")]
    [InlineData("mnemonic is " + Seed + ".", "mnemonic is [redacted:secret].")]
    [InlineData("[\"" + Seed + "\"]", "[\"[redacted:seed-phrase]\"]")]
    [InlineData("paid with 4111 1111 1111 1111 12/27", "paid with [redacted:card] 12/27")]
    [InlineData("378282246310005, 5555-5555-5555-4444", "[redacted:card], [redacted:card]")]
    [InlineData("4111 1111 1111 1111 202", "[redacted:card] 202")]
    [InlineData("IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF", "IBAN [redacted:iban] BIC COBADEFF")]
    [InlineData("GB82WEST12345698765432", "[redacted:iban]")]
    [InlineData("call +49 (170) 123-4567 now", "call [redacted:phone] now")]
    [InlineData("+14155552671", "[redacted:phone]")]
    [InlineData("(555) 123-4567 or 555-123-4567", "[redacted:phone] or [redacted:phone]")]
    [InlineData("at 192.168.1.10:8080 and /ip4/10.0.0.7/tcp/1", "at [redacted:private-address]:8080 and /ip4/[redacted:private-address]/tcp/1")]
    [InlineData("[fe80::1c2d]:80, fd12:3456::1", "[[redacted:private-address]]:80, [redacted:private-address]")]
    [InlineData("open /home/jane/a.txt", "open /home/[redacted:user]/a.txt")]
    [InlineData("""{"path":"C:\\Users\\jane\\x"}""", """{"path":"C:\\Users\\[redacted:user]\\x"}""")]
    [InlineData("file:///Users/jane", "file:///Users/[redacted:user]")]
    [InlineData("cast send --private-key 0xac0974bec39a17e36ba4 --rpc-url x", "cast send --private-key [redacted:secret] --rpc-url x")]
    [InlineData("""["--private-key","0xac0974bec39a17e36ba4"]""", """["--private-key","[redacted:secret]"]""")]
    [InlineData("""{"args":"[\"--token\", \"hunter2\"]"}""", """{"args":"[\"--token\", \"[redacted:secret]\"]"}""")]
    [InlineData("mysql --password hunter2; ls", "mysql --password [redacted:secret]; ls")]
    [InlineData("x --stripe-api-key 'a b' --db-password-prod=\"c d\"", "x --stripe-api-key '[redacted:secret]' --db-password-prod=\"[redacted:secret]\"")]
    [InlineData("cast wallet --mnemonic " + Seed + " --x", "cast wallet --mnemonic [redacted:secret] --x")]
    [InlineData("curl -u jane:hunter2 https://example.org", "curl -u [redacted:credentials] https://example.org")]
    [InlineData("""["curl","-u","jane:hunter2"]""", """["curl","-u","[redacted:credentials]"]""")]
    [InlineData("curl --user 'jane:hunter 2'", "curl --user '[redacted:credentials]'")]
    [InlineData("""{"token":"f3a9c1d2e4"}""", """{"token":"[redacted:secret]"}""")]
    [InlineData("GITLAB_TOKEN=f3a9c1d2e4", "GITLAB_TOKEN=[redacted:secret]")]
    [InlineData("token: f3a9c1d2e4b5, ok", "token: [redacted:secret], ok")]
    [InlineData("DB_PASSWORD_PROD=hunter2\nSECRET_KEY_BASE=9f8e7d", "DB_PASSWORD_PROD=[redacted:secret]\nSECRET_KEY_BASE=[redacted:secret]")]
    [InlineData("api_key_prod: 9f8e7d", "api_key_prod: [redacted:secret]")]
    [InlineData("Private key (hex): ac0974bec39a", "Private key (hex): [redacted:secret]")]
    [InlineData("privkey=ac0974bec39a", "privkey=[redacted:secret]")]
    [InlineData("Authorization: 9f8e7d6c5b4a39281706", "Authorization: [redacted:token]")]
    [InlineData("Authorization: Bot MTk4NjIyNDgz", "Authorization: Bot [redacted:token]")]
    [InlineData("Authorization: Hawk-Like 9f8e7d6c5b4a39281706", "Authorization: Hawk-Like [redacted:token]")]
    [InlineData("Endpoint=sb://x.example.org/;SharedAccessKeyName=Root;SharedAccessKey=abc+/=;EntityPath=q", "Endpoint=sb://x.example.org/;SharedAccessKeyName=Root;SharedAccessKey=[redacted:secret];EntityPath=q")]
    [InlineData("""{"password":"p@ss\"word123","mode":"any"}""", """{"password":"[redacted:secret]","mode":"any"}""")]
    [InlineData("""{"password":"ends with \\","mode":"any"}""", """{"password":"[redacted:secret]","mode":"any"}""")]
    [InlineData("password: hunter2,rest", "password: [redacted:secret]")]
    [InlineData("connect(password=hun;ter)2, user=jane)", "connect(password=[redacted:secret], user=jane)")]
    [InlineData("{password: hunter2,mode: any}", "{password: [redacted:secret],mode: any}")]
    [InlineData("""{"body":"{\"password\": \"hun\\\"ter2\", \"mode\": \"any\"}"}""", """{"body":"{\"password\": \"[redacted:secret]\", \"mode\": \"any\"}"}""")]
    [InlineData("""\\\"password\\\": \\\"hunter2\\\", \\\"mode\\\": \\\"any\\\" """, """\\\"password\\\": \\\"[redacted:secret]\\\", \\\"mode\\\": \\\"any\\\" """)]
    [InlineData("""\\\"Authorization\\\": \\\"Basic dXNlcjpwYXNz\\\" """, """\\\"Authorization\\\": \\\"Basic [redacted:token]\\\" """)]
    [InlineData("'password' => 'hunter2', password === \"hunter2\"", "'password' => '[redacted:secret]', password === \"[redacted:secret]\"")]
    [InlineData("password: str = \"hunter2\"", "password: str = \"[redacted:secret]\"")]
    [InlineData("postgres://jane:pa/ss@db", "postgres://[redacted:credentials]@db")]
    [InlineData("postgres://jane:p@ss@db/x", "postgres://[redacted:credentials]@db/x")]
    public void Secrets_are_taken_out_and_the_rest_stays(string text, string expected) =>
        Assert.Equal(expected, Redaction.Apply(text));

    [Theory]
    [InlineData("nothing to hide: docs-search mode=any")]
    [InlineData("""{"max_tokens":5,"secretary":"x","cookies":true}""")]
    [InlineData("the cookie: chocolate chip; authorization: required; a bearer of news")]
    [InlineData("2026-11-23T11:14:34.123+01:00, v10.0.19041.1, 1.2.3.4, 127.0.0.1, 8.8.8.8, 172.15.0.1")]
    [InlineData("1800000000000 4111111111111112 1234-5678-9012-3456 0.4111111111111111 1e+12345678")]
    [InlineData("order 555-12-4567, isbn 978-3-16-148410-0, 555-123-4567-890")]
    [InlineData("DE89370400440532013001 and AB12 are no accounts")]
    [InlineData("::1, 2001:db8::1, 12:34:56, feed:face")]
    [InlineData("https://example.org/home/page?key=name&code=200&author=jane, docs/home/x, /Users/Shared/x")]
    [InlineData("ssh://example.org/x, https://example.org:8080/a@b")]
    [InlineData("0x4c0883a69102937d6231471b5dbb6204fe512961708279f2e3e8a5d4b8e3e3e3")]
    [InlineData("12D3KooWGRUaJtq6dFhkZrRyHQYnkrtcNbXGzNNqJKJq5n3gJ8tG/docs-search")]
    [InlineData("this line has twelve short words and the rest are not from seeds")]
    [InlineData("keys: public key, key: value, task-force, risk_based, disk-usage")]
    [InlineData("512 tokens, tokens: 512, token budget: 200, token_count: 512, a token: 1,024 of them")]
    [InlineData("""{"token":"USDC","token_type":"bearer","max_tokens":512,"token_budget":20000,"password_length":12}""")]
    [InlineData("unexpected token: identifier, token: https://docs.example.org/v2/tokens, token = <your token>")]
    [InlineData("""{"token":"0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"}""")]
    [InlineData("the --password flag; pass --token to sign in, or --password-file x --token <TOKEN> --password --user x")]
    [InlineData("a multi-password vault and a state-of-the-art token list")]
    [InlineData("docker run -u 1000:1000 -u root:root x; date -u +%H:%M; python -u main.py; git push -u origin main")]
    [InlineData("""{"cmd":"read --password","output":"done"}""")]
    [InlineData("http://[::1]:8080/a@b, https://example.org:8080/@x/y, http://host:$PORT/@x, http://host:port/@x")]
    [InlineData("authorization: see https://docs.example.org/auth/v2, authorization: documentation")]
    [InlineData("the secret of a good password is its length: see password policy")]
    public void What_only_looks_like_a_secret_stays(string text) => Assert.Equal(text, Redaction.Apply(text));

    [Property]
    public bool It_is_idempotent_on_any_text(string? text) => Redaction.Apply(Redaction.Apply(text ?? "")) == Redaction.Apply(text ?? "");

    [Property(MaxTest = 2_000)]
    public void It_is_idempotent_on_pieces_of_secrets(int seed)
    {
        var random = new Random(seed);
        var text = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => Fragments[random.Next(Fragments.Length)]));
        var once = Redaction.Scan(text);
        var twice = Redaction.Scan(once.Text);
        Assert.True(once.Text == twice.Text && twice.Found.Count == 0, $"{text}\n{once.Text}\n{twice.Text}");
    }

    [Fact]
    public void What_was_found_is_counted_by_kind()
    {
        var found = Redaction.Scan("a@b.org c@d.org password=x /home/jane/").Found;
        Assert.Equal([("email", 2), ("secret", 1), ("user", 1)], found.OrderBy(f => f.Key, StringComparer.Ordinal).Select(f => (f.Key, f.Value)));
    }

    [Theory]
    [InlineData("4")]
    [InlineData("4 ")]
    [InlineData("+1-")]
    [InlineData("https://a:")]
    [InlineData("abandon ")]
    [InlineData("f:")]
    [InlineData("/home/")]
    [InlineData("a@")]
    [InlineData("token:")]
    [InlineData("token: ")]
    [InlineData("--token-")]
    [InlineData("-a")]
    [InlineData("-u ")]
    [InlineData("\"token\":\"<")]
    [InlineData("'token':`<")]
    [InlineData("password ")]
    [InlineData("password\\")]
    [InlineData("password=a,")]
    [InlineData("password-name: ")]
    [InlineData("password_")]
    [InlineData("Authorization: ")]
    [InlineData("a://b:c/")]
    [InlineData("a://b:8/@")]
    public async Task No_text_takes_quadratic_time(string piece)
    {
        var text = new StringBuilder().Insert(0, piece, (1 << 18) / piece.Length).ToString();

        // A fraction of a second; quadratic work would be some 10^11 steps.
        await Task.Run(() => Redaction.Apply(text)).WaitAsync(TimeSpan.FromMinutes(2));
    }

    [Fact]
    public void Every_text_of_a_recorded_run_is_redacted_before_it_is_signed()
    {
        const string Secret = "mallory@example.org";
        var step = new TrajectoryStepView(Secret, Secret, Secret, Secret, Secret, default, TimeSpan.Zero, true, Secret);
        var wire = TrajectoryWire.FromRecord(new TrajectoryCommands.Record(Runs.TaskType, Secret, [step], Secret, 1, Secret), Runs.Now, out _)!;
        Assert.DoesNotContain("mallory", wire.ToString(), StringComparison.Ordinal);
    }
}
