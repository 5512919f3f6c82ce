export async function getStaticProps() {
  const data = await (await fetch(`${process.env.SOURCE}/legacy`)).text();
  return { props: { data, $bytes: "AQ==", nested: { $map: [["a", 1]] }, $$map: [] }, revalidate: 1 };
}

export default function Page({ data }) {
  return <p>{`legacy=${data};`}</p>;
}
