using System.Text.Json;
using Hyperspace.Actors.Tools.Schemas;

namespace Hyperspace.Tests.Tools;

public class JsonSchemaTests
{
    [Theory]
    [InlineData("""{"properties":{"a":{"const":"x"}}}""", """{"a":"x"}""", """{"a":"y"}""")]
    [InlineData("""{"properties":{"a":{"$ref":"#/$defs/p"}},"$defs":{"p":{"type":"integer","minimum":1}}}""", """{"a":2}""", """{"a":0}""")]
    [InlineData("""{"properties":{"a":{"$ref":"#/definitions/p~1q"}},"definitions":{"p/q":{"type":"integer"}}}""", """{"a":2}""", """{"a":"0"}""")]
    [InlineData("""{"properties":{"a":{"$ref":"#here"}},"$defs":{"p":{"$anchor":"here","type":"string"}}}""", """{"a":"s"}""", """{"a":0}""")]
    [InlineData("""{"properties":{"a":{"type":"number","exclusiveMinimum":0}}}""", """{"a":1}""", """{"a":0}""")]
    [InlineData("""{"properties":{"a":{"minimum":0,"exclusiveMinimum":true}}}""", """{"a":1}""", """{"a":0}""")]
    [InlineData("""{"properties":{"a":{}},"additionalProperties":false}""", """{"a":1}""", """{"b":0}""")]
    [InlineData("""{"additionalProperties":{"type":"string"}}""", """{"a":"1"}""", """{"b":0}""")]
    [InlineData("""{"patternProperties":{"^x-":{"type":"number"}},"additionalProperties":false}""", """{"x-a":1}""", """{"y":1}""")]
    [InlineData("""{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}}}""", """{"a":null}""", """{"a":0}""")]
    [InlineData("""{"properties":{"a":{"oneOf":[{"type":"number"},{"minimum":5}]}}}""", """{"a":1}""", """{"a":6}""")]
    [InlineData("""{"properties":{"a":{"type":["string","null"]}}}""", """{"a":null}""", """{"a":0}""")]
    [InlineData("""{"properties":{"a":{"prefixItems":[{"type":"string"}],"items":false}}}""", """{"a":["x"]}""", """{"a":["x",1]}""")]
    [InlineData("""{"properties":{"a":{"items":[{"type":"string"}],"additionalItems":false}}}""", """{"a":["x"]}""", """{"a":["x",1]}""")]
    [InlineData("""{"if":{"required":["a"]},"then":{"required":["b"]},"else":{"required":["c"]}}""", """{"a":1,"b":1}""", """{"b":1}""")]
    [InlineData("""{"dependentRequired":{"a":["b"]}}""", """{"a":1,"b":1}""", """{"a":1}""")]
    [InlineData("""{"properties":{"a":{"contains":{"const":1},"maxContains":1}}}""", """{"a":[1,2]}""", """{"a":[1,1]}""")]
    [InlineData("""{"propertyNames":{"maxLength":2}}""", """{"a":1}""", """{"aaa":1}""")]
    [InlineData("""{"properties":{"a":{"format":"uri"}}}""", """{"a":"http://x/y"}""", """{"a":"not a uri"}""")]
    [InlineData("""{"properties":{"a":{"format":"date-time"}}}""", """{"a":"2026-01-02T03:04:05Z"}""", """{"a":"yesterday"}""")]
    [InlineData("""{"properties":{"a":{"type":"integer"}}}""", """{"a":1.0}""", """{"a":1.5}""")]
    [InlineData("""{"properties":{"a":false}}""", """{}""", """{"a":1}""")]
    [InlineData("""{"properties":{"a":{"enum":["x",{"k":[1]}]}}}""", """{"a":{"k":[1]}}""", """{"a":{"k":[2]}}""")]
    [InlineData("""{"properties":{"a":{"uniqueItems":true}}}""", """{"a":[1,2]}""", """{"a":[{"x":1},{"x":1}]}""")]
    [InlineData("""{"properties":{"a":{"multipleOf":0.1}}}""", """{"a":0.3}""", """{"a":0.35}""")]
    [InlineData("""{"properties":{"a":{"minLength":2,"maxLength":3}}}""", """{"a":"😀😀"}""", """{"a":"😀"}""")]
    [InlineData("""{"properties":{"a":{"pattern":"^(?=x)x+$"}}}""", """{"a":"xx"}""", """{"a":"y"}""")]
    [InlineData("""{"not":{"required":["a"]}}""", """{"b":1}""", """{"a":1}""")]
    public void Each_keyword_lets_the_good_value_through_and_stops_the_bad_one(string schema, string good, string bad)
    {
        Assert.True(JsonSchema.TryCompile(schema, out var compiled, out var error), error);
        Assert.Empty(compiled.Validate(JsonDocument.Parse(good).RootElement));
        Assert.NotEmpty(compiled.Validate(JsonDocument.Parse(bad).RootElement));
    }

    [Theory]
    [InlineData("""{"$ref":"http://127.0.0.1:9/x.json"}""", "outside the schema")]
    [InlineData("""{"$ref":"#/$defs/none"}""", "finds nothing")]
    [InlineData("""{"pattern":"("}""", "no regular expression")]
    [InlineData("""{"properties":[]}""", "must be an object")]
    [InlineData("""[]""", "must be an object")]
    [InlineData("""{"type":5}""", "must be a type's name")]
    [InlineData("nonsense", "not usable")]
    [InlineData("5", "must be an object or a boolean")]
    [InlineData("""{"type":"objekt"}""", "'/type' names the type 'objekt'")]
    [InlineData("""{"properties":{"a":{"type":["string","strin"]}}}""", "'/properties/a/type' names the type 'strin'")]
    [InlineData("""{"type":[]}""", "'/type' must be a type's name")]
    [InlineData("""{"type":"object","type":"array"}""", "not usable")]
    [InlineData("""{"required":["a",1]}""", "'/required' must be an array of names")]
    [InlineData("""{"properties":{"a":{"minLength":-1}}}""", "'/properties/a/minLength' must be a whole number")]
    [InlineData("""{"maxProperties":"3"}""", "'/maxProperties' must be a whole number")]
    [InlineData("""{"items":{"minItems":1.5}}""", "'/items/minItems' must be a whole number")]
    [InlineData("""{"minimum":"0"}""", "'/minimum' must be a number")]
    [InlineData("""{"exclusiveMaximum":null}""", "'/exclusiveMaximum' must be a number")]
    [InlineData("""{"multipleOf":0}""", "'/multipleOf' must be a number above zero")]
    [InlineData("""{"uniqueItems":"yes"}""", "'/uniqueItems' must be true or false")]
    [InlineData("""{"format":7}""", "'/format' must be a string")]
    [InlineData("""{"enum":"a"}""", "'/enum' must be an array")]
    [InlineData("""{"dependentRequired":{"a":"b"}}""", "'/dependentRequired/a' must be an array of names")]
    [InlineData("""{"dependencies":{"a":[1]}}""", "'/dependencies/a' must be an array of names")]
    public void A_schema_that_can_not_be_trusted_is_refused_with_the_reason(string schema, string reason)
    {
        Assert.False(JsonSchema.TryCompile(schema, out _, out var error));
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_schema_that_calls_itself_ends()
    {
        Assert.True(JsonSchema.TryCompile("""{"$ref":"#"}""", out var loop, out _));
        Assert.NotEmpty(loop.Validate(JsonDocument.Parse("{}").RootElement));
        Assert.True(JsonSchema.TryCompile("""{"properties":{"next":{"$ref":"#"}},"additionalProperties":false}""", out var list, out _));
        Assert.Empty(list.Validate(JsonDocument.Parse("""{"next":{"next":{}}}""").RootElement));
        Assert.NotEmpty(list.Validate(JsonDocument.Parse("""{"next":{"next":{"x":1}}}""").RootElement));
    }

    [Fact]
    public void A_schema_that_doubles_its_work_at_each_level_gives_up()
    {
        var levels = string.Join(',', Enumerable.Range(0, 40).Select(i => $$"""  "l{{i}}":{"anyOf":[{"$ref":"#/$defs/l{{i + 1}}"},{"$ref":"#/$defs/l{{i + 1}}"}]} """));
        Assert.True(JsonSchema.TryCompile("""{"$ref":"#/$defs/l0","$defs":{""" + levels + """,  "l40":false}}""", out var schema, out var error), error);
        Assert.NotEmpty(schema.Validate(JsonDocument.Parse("{}").RootElement));
    }

    [Fact]
    public void Errors_name_the_path_and_are_bounded()
    {
        Assert.True(JsonSchema.TryCompile("""{"properties":{"list":{"items":{"type":"integer"}}}}""", out var schema, out _));
        var errors = schema.Validate(JsonDocument.Parse($$"""{"list":[{{string.Join(',', Enumerable.Repeat("\"x\"", 100))}}]}""").RootElement);
        Assert.Equal(JsonSchema.MaxErrors, errors.Count);
        Assert.Equal("/list/0 must be integer, not string", errors[0].ToString());
    }
}
