using System.Reflection;
using System.Reflection.Emit;

namespace UnixLoop.Process.Tests.Architecture;

/// <summary>Which types a type uses: in its bases, members, signatures, attributes and method bodies.</summary>
internal static class TypeReferences
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> OpCodesByValue =
        typeof(OpCodes).GetFields().Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>Every type used, taken apart to its generic definition and arguments, and lifted to its outermost declaring type.</summary>
    internal static IReadOnlySet<Type> Of(Type type)
    {
        HashSet<Type> used = [];
        Add(used, type.BaseType);
        foreach (Type contract in type.GetInterfaces())
            Add(used, contract);
        foreach (FieldInfo field in type.GetFields(All))
            Add(used, field.FieldType);
        foreach (MethodBase method in type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All)))
            AddMethod(used, method);
        return used;
    }

    internal static Type Outermost(Type type)
    {
        while (type.DeclaringType is { } outer)
            type = outer;
        return type;
    }

    private static void AddMethod(HashSet<Type> used, MethodBase method)
    {
        Add(used, (method as MethodInfo)?.ReturnType);
        foreach (ParameterInfo parameter in method.GetParameters())
            Add(used, parameter.ParameterType);
        if (method.GetMethodBody() is not { } body)
            return;
        foreach (LocalVariableInfo local in body.LocalVariables)
            Add(used, local.LocalType);
        foreach (int token in Tokens(body.GetILAsByteArray()!))
            AddMember(used, Resolve(method, token));
    }

    private static void AddMember(HashSet<Type> used, MemberInfo? member)
    {
        Add(used, member as Type ?? member?.DeclaringType);
        Add(used, (member as FieldInfo)?.FieldType);
        if (member is MethodInfo { IsGenericMethod: true } generic)
        {
            foreach (Type argument in generic.GetGenericArguments())
                Add(used, argument);
        }
    }

    private static MemberInfo? Resolve(MethodBase method, int token)
    {
        Type[]? ofType = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        Type[]? ofMethod = method.IsGenericMethod ? method.GetGenericArguments() : null;
        return method.Module.ResolveMember(token, ofType, ofMethod);
    }

    private static void Add(HashSet<Type> used, Type? type)
    {
        while (type is { HasElementType: true })
            type = type.GetElementType();
        if (type is null || type.IsGenericParameter)
            return;
        foreach (Type argument in type.GenericTypeArguments)
            Add(used, argument);
        used.Add(Outermost(type.IsGenericType ? type.GetGenericTypeDefinition() : type));
    }

    /// <summary>The metadata tokens of types, methods and fields in a method's body (ECMA-335, III.1).</summary>
    private static IEnumerable<int> Tokens(byte[] il)
    {
        int at = 0;
        while (at < il.Length)
        {
            OpCode code = il[at] == 0xFE ? OpCodesByValue[(short)(0xFE00 | il[at + 1])] : OpCodesByValue[il[at]];
            at += code.Size;
            if (code.OperandType is OperandType.InlineField or OperandType.InlineMethod or OperandType.InlineTok or OperandType.InlineType)
                yield return BitConverter.ToInt32(il, at);
            at += OperandSize(code, il, at);
        }
    }

    private static int OperandSize(OpCode code, byte[] il, int at) => code.OperandType switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(il, at)),
        _ => 4,
    };
}
