export default function Page() {
  return <p>{`static=${Math.random()};`}</p>;
}
