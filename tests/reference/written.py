"""Graphs written as Python writes expressions, for tables of cases: `sin(x) * p[0]` becomes nodes of the contract's graph."""
import ast

from tensor_cases import declared, op

BINARY = {ast.Add: "add", ast.Sub: "subtract", ast.Mult: "multiply", ast.Div: "divide", ast.Pow: "pow", ast.MatMult: "matmul"}
COMPARISONS = {ast.Lt: "less", ast.LtE: "less_equal", ast.Gt: "greater", ast.GtE: "greater_equal", ast.Eq: "equal", ast.NotEq: "not_equal"}


def expression(text):
    """An expression as a name, a number, a constant or inline nodes."""
    return node_of(ast.parse(text, mode="eval").body)


def node_of(tree):
    match tree:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return name
        case ast.UnaryOp(ast.USub(), ast.Constant(value)):
            return -value
        case ast.UnaryOp(ast.USub(), operand):
            return op("negative", node_of(operand))
        case ast.BinOp(left, kind, right):
            return op(BINARY[type(kind)], node_of(left), node_of(right))
        case ast.Compare(left, [kind], [right]):
            return op(COMPARISONS[type(kind)], node_of(left), node_of(right))
        case ast.Subscript(value, index):
            at = ast.literal_eval(index)
            return op("index", node_of(value), at=list(at) if isinstance(at, tuple) else [at])
        case ast.List():
            return {"const": ast.literal_eval(tree)}
        case ast.Call(ast.Name(kind), args, keywords):
            attributes = {keyword.arg: ast.literal_eval(keyword.value) for keyword in keywords}
            return op(kind, *map(node_of, args), **attributes)
    raise ValueError(ast.dump(tree))


def function(inputs, /, **outputs):
    """`function("u p:2,3", y="p @ u")`: inputs with their sizes behind a colon, outputs as expressions."""
    names = [word.partition(":") for word in inputs.split()]
    listed = [{"name": name, "shape": [int(n) for n in sizes.split(",")]} if colon else name for name, colon, sizes in names]
    return {"inputs": listed, "nodes": [], "outputs": [{"name": name, "value": expression(text)} for name, text in outputs.items()]}


def graph(at, outputs, functions, shapes=None):
    """A graph of the inputs of a point."""
    listed = [{"name": name, "value": expression(text)} for name, text in outputs.items()]
    return {"inputs": declared(at, shapes), "nodes": [], "outputs": listed, "functions": functions}
